import { inspect } from 'node:util'
import type { FakeDriver } from '@connmgr/testing'
import { close, expectLater, manage, replicated } from '../../test/harness.js'
import type { ReportSql } from './sql-reports.js'

const SECRET = 'hunter2'

function expectNoSecretIn(...things: unknown[]): void {
  const lines = printed(...things).split('\n')
  expect(lines.filter((line) => line.includes(SECRET))).toEqual([])
}

/** Everything that an application may print of what it was given. */
function printed(...things: unknown[]): string {
  return things
    .map(
      (thing) => `${inspect(thing, { depth: null, showHidden: true })}\n${JSON.stringify(thing)}`,
    )
    .join('\n')
}

function failure(): Error {
  let cause: unknown
  try {
    new URL(`postgres://app:${SECRET}@host:port/db`)
  } catch (error) {
    cause = error
  }
  const part = Object.assign(new Error(`password=${SECRET} refused`), {
    client: { password: SECRET },
  })
  return Object.assign(
    new Error(`cannot log in to postgres://app:${SECRET}@db1/app`, {
      cause: new AggregateError([cause, part], `tried Bearer ${SECRET}`),
    }),
    { config: { password: SECRET }, detail: `pass=${SECRET}` },
  )
}

describe('an error that the driver throws', () => {
  test('reaches callers, events, logs and the status without its secrets', async () => {
    const lines: unknown[] = []
    const log = (...line: unknown[]): void => {
      lines.push(line)
    }
    const h = manage({
      endpoints: ['a'],
      acquireTimeoutMs: 1000,
      healthMonitoring: true,
      logger: { debug: log, info: log, warn: log, error: log },
      prepare: (driver) => failConnects(driver),
    })
    const failed = expectLater(h.manager.acquire({ label: `token=${SECRET}` }))
    await h.clock.advance(2000)
    const error = await failed.catch((error: Error) => error)
    await h.manager.checkHealth()
    h.manager.clear(`because of api_key=${SECRET}`)
    const shown = printed(error, h.events, lines, h.manager.getHealthStatus(), h.manager)
    expect(shown.split('\n').filter((line) => line.includes(SECRET))).toEqual([])
    expect(error).toMatchObject({
      code: expect.stringMatching(/^CONNMGR_/),
      cause: expect.any(Error),
    })
    expect(h.events.map((each) => each.type)).toEqual(
      expect.arrayContaining([
        'connectionFailed',
        'acquireFailed',
        'poolCleared',
        'healthCheckCompleted',
      ]),
    )
    expect(shown).toContain('postgres://app:***@db1/app')
    await close(h)
  })

  test('is still the same error, so that its fields decide', async () => {
    const error = Object.assign(failure(), { code: '28P01' })
    const h = manage({ prepare: (driver) => failConnects(driver, error), acquireTimeoutMs: 100 })
    const failed = expectLater(h.manager.acquire())
    await h.clock.advance(500)
    await expect(failed).rejects.toMatchObject({ cause: { code: '28P01' } })
    expect(((await failed.catch((each: Error) => each)) as Error).cause).toBe(error)
    await close(h)
  })

  test('is replaced if it refuses to be changed', async () => {
    const frozen = Object.freeze(failure())
    const h = manage({ prepare: (driver) => failConnects(driver, frozen), acquireTimeoutMs: 100 })
    const failed = [1, 2, 3].map(() => expectLater(h.manager.acquire()))
    await h.clock.advance(500)
    for (const each of failed) expectNoSecretIn(await each.catch((error: Error) => error))
    await close(h)
  })
})

test('a failover tells of its reasons without secrets', async () => {
  const h = replicated()
  await h.manager.start()
  h.driver.server('a').crash()
  failConnects(h.driver)
  await h.clock.advance(5000)
  await h.manager.quarantine('b', `its password: ${SECRET}`).catch(() => {})
  await h.clock.advance(5000)
  expect(h.of('endpointStateChanged').length).toBeGreaterThan(0)
  expectNoSecretIn(h.events, h.manager.getFailoverStatus(), h.manager)
  await close(h)
})

test('a listener’s error is reported without secrets', async () => {
  const h = manage()
  h.manager.on('connectionCreated', () => {
    throw failure()
  })
  await h.manager.use(async () => {})
  expect(h.of('listenerFailed')).toHaveLength(1)
  expectNoSecretIn(h.events)
  await close(h)
})

test('a manager and a lease are printed by their counts', async () => {
  const h = manage({ name: 'shop' })
  const lease = await h.manager.acquire({ label: `pwd=${SECRET}` })
  expect(inspect(h.manager)).toMatch(/^ConnectionManager \{\s+name: 'shop',/)
  expect(JSON.parse(JSON.stringify(h.manager))).toEqual({
    name: 'shop',
    closed: false,
    activeEndpoint: 'a',
    endpoints: ['a'],
    counts: expect.objectContaining({ inUse: 1 }),
  })
  expect(inspect(lease)).toMatch(/^Lease \{/)
  expect(JSON.parse(JSON.stringify(lease))).toEqual({
    id: lease.id,
    connectionId: lease.connectionId,
    endpoint: 'a',
    label: 'pwd=***',
    active: true,
    leaked: false,
  })
  lease.release()
  await close(h)
})

describe('reportSql', () => {
  const STATEMENT = `alter role app password '${SECRET}' /* for ada@example.com */`

  async function reportsOf(reportSql?: ReportSql, fingerprint?: (text: string) => string) {
    const h = manage({
      ...(reportSql === undefined ? {} : { reportSql }),
      queryTimeoutMs: 1000,
      leakDetection: { thresholdMs: 500 },
      acquireTimeoutMs: 200,
      poolSize: 1,
      maxOverflow: 0,
      prepare: (driver) => {
        if (fingerprint !== undefined)
          Object.assign(driver, { statements: { fingerprint, isDeliberate: () => false } })
      },
    })
    const lease = await h.manager.acquire()
    await lease.connection.query(STATEMENT)
    const late = expectLater(h.manager.acquire())
    await h.clock.advance(1000)
    const timeout: unknown = await late.catch((error: Error) => error)
    const { holders } = timeout as {
      holders: { lastQuery?: string }[]
    }
    const texts = [
      h.manager.getHolders()[0]?.lastQuery,
      h.manager.detectLeaks()[0]?.lastQuery,
      holders[0]?.lastQuery,
      h.of('leakDetected')[0]?.lease.lastQuery,
    ]
    lease.release()
    await h.clock.advance(10)
    texts.push(h.of('leakResolved')[0]?.lease.lastQuery)
    expectNoSecretIn(h.events, timeout)
    await close(h)
    expect(new Set(texts).size).toBe(1)
    return texts[0]
  }

  test('by default texts are shown, without what is marked as a secret', async () => {
    const shown = "alter role app password '***' /* for ada@example.com */"
    expect(await reportsOf()).toBe(shown)
    expect(await reportsOf('text')).toBe(shown)
  })

  test('fingerprints are the driver’s, and without one nothing is shown', async () => {
    expect(await reportsOf('fingerprint', () => 'alter role app password ?')).toBe(
      'alter role app password ?',
    )
    expect(await reportsOf('fingerprint')).toBeUndefined()
  })

  test('none shows nothing', async () => {
    expect(await reportsOf('none', () => 'shape')).toBeUndefined()
  })

  test.each<[ReportSql, string]>([
    ['text', 'invalid input syntax for type integer: "ada"'],
    ['fingerprint', 'invalid input syntax for type integer: "?"'],
    ['none', 'invalid input syntax for type integer: "?"'],
  ])('with %s the message of an error in an event is %j', async (reportSql, message) => {
    const h = manage({ reportSql })
    h.manager.on('connectionCreated', () => {
      throw new Error('invalid input syntax for type integer: "ada"')
    })
    await h.manager.use(async () => {})
    expect(h.of('listenerFailed')).toMatchObject([{ error: { message } }])
    await close(h)
  })

  test('another value is refused', () => {
    expect(() => manage({ reportSql: 'all' as ReportSql })).toThrow(
      `option "reportSql" must be one of 'text', 'fingerprint', 'none', but it is "all"`,
    )
  })
})

function failConnects(driver: FakeDriver, error: Error = failure()): void {
  driver.connect = () => Promise.reject(error)
  driver.openProbe = () => Promise.reject(error)
}
