import { AsyncLocalStorage } from 'node:async_hooks'
import diagnostics from 'node:diagnostics_channel'
import { RecordedQueries } from '@connmgr/testing'
import {
  close,
  expectLater,
  type Harness,
  type HarnessOptions,
  manage,
} from '../../test/harness.js'
import { queryChannel } from './channels.js'

let h: Harness
let queries: RecordedQueries

/** A manager, and what it publishes. */
function open(options: HarnessOptions = {}): void {
  h = manage({ name: 'orders', ...options })
  queries = new RecordedQueries(({ manager }) => manager === h.manager.id)
}

afterEach(async () => {
  queries.stop()
  await close(h)
})

test('a statement is published with what is known of it, from its start to its end', async () => {
  open()
  const lease = await h.manager.acquire()
  h.driver.next('query', { afterMs: 30 })
  const running = lease.connection.query('select 1')
  const [started] = queries.all
  expect(started?.messages).toEqual(['start', 'end'])
  expect(started).toMatchObject({
    manager: h.manager.id,
    pool: 'orders',
    database: 'fake',
    text: 'select 1',
    startedAt: h.clock.now(),
  })
  await h.clock.advance(30)
  await running
  const [ended] = queries.all
  expect(ended?.messages).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
  expect(ended).toMatchObject({
    endpoint: 'a',
    connectionId: lease.connectionId,
    lease: lease.id,
    processId: 1,
    waitMs: 0,
    runMs: 30,
  })
  expect(ended).not.toHaveProperty('transaction')
  expect(ended).not.toHaveProperty('error')
  lease.release()
})

test('a start is published within the call, and in its asynchronous flow', async () => {
  open()
  const flow = new AsyncLocalStorage<string>()
  const seen: unknown[] = []
  const onStart = () => seen.push(flow.getStore())
  queryChannel.start.subscribe(onStart)
  await h.manager.use((connection) => flow.run('request 7', () => connection.query('select 1')))
  queryChannel.start.unsubscribe(onStart)
  expect(seen).toEqual(['request 7'])
  expect(queries.all[0]?.stack).toMatch(/query-tracer\.test\.ts/)
})

test('a failed statement is published with its error', async () => {
  open()
  h.driver.next('query', { fail: 'statement' })
  await h.manager.use((connection) => expectLater(connection.query('select bad')).catch(() => {}))
  const [failed] = queries.all
  expect(failed?.messages).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
  expect(failed?.error).toMatchObject({ kind: 'statement' })
})

test('the statements of a transaction share its number, and its ends are marked', async () => {
  open()
  const work = async (connection: { query(text: string): Promise<void> }) => {
    await connection.query('select 1')
    await connection.query('select 2')
  }
  await h.manager.transaction(work)
  await expectLater(
    h.manager.transaction(async (connection) => {
      await connection.query('select 3')
      throw new Error('no')
    }),
  ).catch(() => {})
  const reported = queries.all.map(({ text, transaction }) => [text, transaction?.boundary])
  expect(reported).toEqual([
    ['begin', 'begin'],
    ['select 1', undefined],
    ['select 2', undefined],
    ['commit', 'commit'],
    ['begin', 'begin'],
    ['select 3', undefined],
    ['rollback', 'rollback'],
  ])
  const ids = queries.all.map(({ transaction }) => transaction?.id)
  expect(new Set(ids.slice(0, 4)).size).toBe(1)
  expect(new Set(ids.slice(4)).size).toBe(1)
  expect(ids[0]).not.toBe(ids[4])
  expect(new Set(queries.all.slice(0, 4).map(({ lease }) => lease)).size).toBe(1)
})

test('probes, pings and the end of what a borrower has left open are not published', async () => {
  open({
    endpoints: ['a', 'b'],
    failover: { mode: 'ordered' },
    healthMonitoring: true,
    prePing: true,
    onConnect: (connection) => connection.query('set role app'),
  })
  await h.manager.start()
  await h.clock.advance(120_000)
  await h.manager.checkHealth()
  const lease = await h.manager.acquire()
  await lease.connection.query('begin')
  lease.release()
  await h.clock.settle()
  await h.clock.advance(120_000)
  ;(await h.manager.acquire()).release()
  expect(h.driver.count('probe')).toBeGreaterThan(0)
  expect(h.driver.count('validate')).toBeGreaterThan(0)
  expect(h.driver.count('rollback')).toBe(1)
  // The hook is the user's.
  expect(new Set(queries.texts)).toEqual(new Set(['set role app', 'begin']))
  expect(queries.all[0]).not.toHaveProperty('lease')
})

test('observers hear of the statements of their manager, and of no other', async () => {
  open()
  const other = manage({ name: 'orders' })
  const received: string[] = []
  const stop = h.manager.observeQueries({
    started: ({ text, runMs }) => received.push(`start ${text} ${runMs}`),
    ended: ({ runMs, text }) => received.push(`end ${text} ${runMs}`),
  })
  await h.manager.use((connection) => connection.query('select 1'))
  await other.manager.use((connection) => connection.query('select 2'))
  stop()
  await h.manager.use((connection) => connection.query('select 3'))
  expect(received).toEqual(['start select 1 undefined', 'end select 1 0'])
  await close(other)
})

test('an observer that throws is reported, and breaks neither the statement nor another', async () => {
  open()
  const thrower = () => {
    throw new Error('from an observer')
  }
  const received: string[] = []
  const stops = [
    h.manager.observeQueries({ started: thrower, ended: thrower }),
    h.manager.observeQueries({ ended: ({ text }) => received.push(text) }),
  ]
  await h.manager.use((connection) => connection.query('select 1'))
  await h.clock.settle()
  for (const stop of stops) stop()
  expect(received).toEqual(['select 1'])
  expect(h.of('listenerFailed')).toMatchObject([
    { reason: 'an observer of queries threw in started', error: { message: 'from an observer' } },
    { reason: 'an observer of queries threw in ended' },
  ])
  expect(h.manager.getCounts()).toMatchObject({ inUse: 0, idle: 1 })
})

test.each([undefined, {}, { ended: 'no' }, { end: () => {} }])(
  'an observer that could never hear anything is refused: %j',
  (observer) => {
    open()
    expect(() => h.manager.observeQueries(observer as never)).toThrow(
      expect.objectContaining({ code: 'CONNMGR_INVALID_OPTION' }),
    )
  },
)

test.each(['start', 'asyncEnd', 'error'] as const)(
  'one who subscribes to %s alone gets it',
  async (name) => {
    open()
    queries.stop()
    const messages: unknown[] = []
    const onMessage = (message: unknown) => messages.push(message)
    diagnostics.subscribe(`tracing:connmgr:query:${name}`, onMessage)
    if (name === 'error') h.driver.next('query', { fail: 'statement' })
    await h.manager.use((connection) => connection.query('select 1')).catch(() => {})
    diagnostics.unsubscribe(`tracing:connmgr:query:${name}`, onMessage)
    expect(messages).toHaveLength(1)
  },
)

test.each([
  ['text', "alter role app password 'hunter2'", "alter role app password '***'"],
  ['text', 'select * from t where password = $1', 'select * from t where password = $1'],
  ['fingerprint', 'select 1', 'SELECT 1'],
  ['none', 'select 1', ''],
] as const)('with reportSql %j %j is published as %j', async (reportSql, text, published) => {
  open({
    reportSql,
    prepare: (driver) =>
      Object.assign(driver, {
        statements: { fingerprint: (sql: string) => sql.toUpperCase(), isDeliberate: () => false },
      }),
  })
  await h.manager.use((connection) => connection.query(text))
  expect(queries.texts).toEqual([published])
})
