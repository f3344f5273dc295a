import { close, expectLater, type Harness, manage } from '../../test/harness.js'

/** What a server may answer to every login. */
const REFUSALS = ['down', 'starting', 'full'] as const

const refusing = (state: (typeof REFUSALS)[number], endpoints: readonly string[] = ['a']) =>
  manage({
    endpoints,
    prepare: (driver) => {
      for (const each of endpoints) driver.server(each).state = state
    },
  })

const code = 'CONNMGR_CONNECT_FAILED'

describe.each([
  ['one endpoint', ['a']],
  ['several', ['a', 'b']],
])('the start of a manager with %s', (_name, endpoints) => {
  let h: Harness

  test.each(REFUSALS)(
    'fails callers after startTimeoutMs of a server that is %s',
    async (state) => {
      h = refusing(state, endpoints)
      const acquiring = [expectLater(h.manager.acquire()), expectLater(h.manager.acquire())]
      await h.clock.advance(5000)
      acquiring.push(expectLater(h.manager.acquire()))
      await h.clock.advance(4999)
      expect(await h.outcome(Promise.any(acquiring))).toBe('pending')
      await h.clock.advance(1)
      for (const each of acquiring)
        await expect(each).rejects.toMatchObject({
          code,
          cause: expect.any(Error),
          message: expect.stringContaining('startTimeoutMs, 10000 ms'),
        })
      await close(h)
    },
  )

  test('fails those who come after that with the next refusal', async () => {
    h = refusing('down', endpoints)
    const first = expectLater(h.manager.acquire())
    await h.clock.advance(10_000)
    await expect(first).rejects.toMatchObject({ code })
    const second = expectLater(h.manager.acquire())
    await h.clock.advance(1500)
    expect(await h.outcome(second)).toBe(code)
    await close(h)
  })

  test('serves callers when the server comes up in time', async () => {
    h = refusing('down', endpoints)
    const acquiring = h.manager.acquire()
    await h.clock.advance(6000)
    for (const each of endpoints) h.driver.server(each).start()
    await h.clock.advance(3000)
    ;(await acquiring).release()
    await close(h)
  })

  test('leaves callers their own deadlines, and all others the usual one once it has connected', async () => {
    h = refusing('down', endpoints)
    const short = expectLater(h.manager.acquire({ timeoutMs: 3000 }))
    const long = expectLater(h.manager.acquire({ timeoutMs: 20_000 }))
    await h.clock.advance(3001)
    expect(await h.outcome(short)).toBe('CONNMGR_ACQUIRE_TIMEOUT')
    await h.clock.advance(15_000)
    expect(await h.outcome(long)).toBe('pending')
    for (const each of endpoints) h.driver.server(each).start()
    await h.clock.advance(1900)
    ;(await long).release()
    for (const each of endpoints) h.driver.server(each).crash()
    const later = expectLater(h.manager.acquire())
    await h.clock.advance(29_000)
    expect(await h.outcome(later)).toBe('pending')
    await h.clock.advance(1002)
    expect(await h.outcome(later)).toBe('CONNMGR_ACQUIRE_TIMEOUT')
    await close(h)
  })

  test('does not take silence for a refusal', async () => {
    h = manage({
      endpoints,
      connectTimeoutMs: 60_000,
      prepare: (driver) => {
        for (const each of endpoints) driver.server(each).hang()
      },
    })
    const acquiring = expectLater(h.manager.acquire())
    await h.clock.advance(29_000)
    expect(await h.outcome(acquiring)).toBe('pending')
    expect(h.of('startDelayed')).toEqual([])
    for (const each of endpoints) h.driver.server(each).resume()
    await h.clock.advance(900)
    ;(await acquiring).release()
    await close(h)
  })

  test('tells once, after a second, what it waits for and for how long', async () => {
    h = refusing('down', endpoints)
    const acquiring = expectLater(h.manager.acquire())
    await h.clock.advance(999)
    expect(h.of('startDelayed')).toEqual([])
    await h.clock.advance(1)
    expect(h.of('startDelayed')).toMatchObject([
      {
        endpoint: 'a',
        durationMs: 1000,
        remainingMs: 9000,
        error: { message: expect.any(String) },
      },
    ])
    await h.clock.advance(20_000)
    expect(h.of('startDelayed')).toHaveLength(1)
    await expect(acquiring).rejects.toMatchObject({ code })
    await close(h)
  })

  test('says nothing of a server that is there in a second', async () => {
    h = refusing('starting', endpoints)
    const acquiring = h.manager.acquire()
    await h.clock.advance(500)
    for (const each of endpoints) h.driver.server(each).start()
    await h.clock.advance(5000)
    ;(await acquiring).release()
    expect(h.of('startDelayed')).toEqual([])
    await close(h)
  })

  test('warmUp fails with the reason too', async () => {
    h = refusing('down', endpoints)
    const warming = expectLater(h.manager.warmUp())
    await h.clock.advance(10_000)
    await expect(warming).rejects.toMatchObject({ code })
    await close(h)
  })
})

test('of several endpoints each must have refused', async () => {
  const h = manage({
    endpoints: ['a', 'b'],
    prepare: (driver) => {
      driver.server('a').state = 'down'
      driver.server('b').hang()
    },
  })
  const acquiring = expectLater(h.manager.acquire())
  await h.clock.advance(15_000)
  expect(await h.outcome(acquiring)).toBe('pending')
  h.driver.server('b').resume()
  h.driver.server('b').promote()
  await h.clock.advance(10_000)
  ;(await acquiring).release()
  await close(h)
})

test('0 leaves every caller the usual deadline', async () => {
  const h = manage({ startTimeoutMs: 0, prepare: (driver) => (driver.server('a').state = 'down') })
  const acquiring = expectLater(h.manager.acquire())
  await h.clock.advance(29_999)
  expect(await h.outcome(acquiring)).toBe('pending')
  expect(h.of('startDelayed')).toMatchObject([{ remainingMs: 29_000 }])
  await h.clock.advance(2)
  expect(await h.outcome(acquiring)).toBe('CONNMGR_ACQUIRE_TIMEOUT')
  await close(h)
})

test('a deadline that is shorter comes first', async () => {
  const h = manage({
    acquireTimeoutMs: 2000,
    prepare: (driver) => (driver.server('a').state = 'down'),
  })
  const acquiring = expectLater(h.manager.acquire())
  await h.clock.advance(1500)
  expect(h.of('startDelayed')).toMatchObject([{ remainingMs: 1000 }])
  await h.clock.advance(502)
  expect(await h.outcome(acquiring)).toBe('CONNMGR_ACQUIRE_TIMEOUT')
  await close(h)
})

test('a time in which the process stood still is not taken from the server', async () => {
  const h = refusing('down')
  const acquiring = expectLater(h.manager.acquire())
  await h.clock.advance(1000)
  h.clock.stall(20_000)
  await h.clock.advance(5000)
  expect(await h.outcome(acquiring)).toBe('pending')
  await h.clock.advance(5000)
  expect(await h.outcome(acquiring)).toBe(code)
  await close(h)
})
