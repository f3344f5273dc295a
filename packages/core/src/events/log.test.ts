import { close, manage } from '../../test/harness.js'
import type { LeaseReport } from '../vocabulary/lease-report.js'
import type { ConnmgrEvent } from './events.js'
import {
  consoleLogger,
  describeEvent,
  LOGGED_EVENT_TYPES,
  logEvent,
  loggedBy,
  silentLogger,
} from './log.js'

const lease: LeaseReport = {
  leaseId: 1,
  connectionId: 7,
  endpoint: 'db:5432/app',
  checkedOutAt: new Date(0),
  heldForMs: 61_000,
  checkedOutBy: 'buildReport (/app/report.ts:12:5)',
  stack: 'at buildReport (/app/report.ts:12:5)\nat main (/app/main.ts:3:1)',
  lastQuery: 'select 1',
  queryCount: 2,
}
const about = { pool: 'orders', endpoint: 'db:5432/app', connectionId: 7, durationMs: 61_000.4 }
const error = { name: 'Error', message: 'it broke' }

test.each<[ConnmgrEvent, string, string]>([
  [
    { type: 'leakDetected', ...about, lease, reclaimed: false },
    'warn',
    'connmgr "orders": leak: connection 7 held for 61000 ms by buildReport (/app/report.ts:12:5); ' +
      'it has run 2 statements, the last: select 1\n    at buildReport (/app/report.ts:12:5)\n    at main (/app/main.ts:3:1)',
  ],
  [
    {
      type: 'leakDetected',
      ...about,
      lease: { ...lease, checkedOutBy: undefined, stack: undefined, queryCount: 0 },
      reclaimed: true,
    },
    'warn',
    'connmgr "orders": leak: connection 7 held for 61000 ms by a caller whose stack was not captured, destroyed; ' +
      'it has run no statement',
  ],
  [
    {
      type: 'leakDetected',
      ...about,
      lease: {
        ...lease,
        stack: undefined,
        queryCount: 1,
        lastQuery: `select\n  ${'a'.repeat(400)}`,
      },
      reclaimed: false,
    },
    'warn',
    'connmgr "orders": leak: connection 7 held for 61000 ms by buildReport (/app/report.ts:12:5); ' +
      `it has run 1 statement, the last: select ${'a'.repeat(293)}…`,
  ],
  [
    {
      type: 'leakDetected',
      ...about,
      lease: { ...lease, stack: undefined, queryCount: 3, lastQuery: undefined },
      reclaimed: false,
    },
    'warn',
    'connmgr "orders": leak: connection 7 held for 61000 ms by buildReport (/app/report.ts:12:5); ' +
      'it has run 3 statements',
  ],
  [
    { type: 'connectionDirty', ...about, reason: 'transaction', lease },
    'warn',
    'connmgr "orders": connection 7 came back inside a transaction from buildReport (/app/report.ts:12:5); it was not lent on as it was',
  ],
  [
    { type: 'connectionClosed', ...about, reason: 'lost', error },
    'debug',
    'connmgr "orders": connection 7 to db:5432/app closed (lost): it broke',
  ],
  [
    { type: 'poolClosed', ...about, stragglers: [lease] },
    'warn',
    'connmgr "orders": pool of db:5432/app closed while connections were still held by\n    buildReport (/app/report.ts:12:5), for 61000 ms',
  ],
  [
    { type: 'poolClosed', ...about, stragglers: [] },
    'debug',
    'connmgr "orders": pool of db:5432/app closed',
  ],
  [
    {
      type: 'clusterStateChanged',
      pool: 'orders',
      from: 'STEADY',
      to: 'SPLIT_BRAIN',
      reason: 'two',
    },
    'error',
    'connmgr "orders": cluster: STEADY → SPLIT_BRAIN (two)',
  ],
  [
    {
      type: 'endpointStateChanged',
      ...about,
      from: 'UP',
      to: 'DOWN',
      role: 'primary',
      reason: 'gone',
    },
    'info',
    'connmgr "orders": db:5432/app: UP → DOWN (gone)',
  ],
  [
    {
      type: 'failoverCompleted',
      pool: 'orders',
      endpoint: 'db2:5432/app',
      from: 'db:5432/app',
      epoch: 2,
      reason: 'primary changed',
      durationMs: 80,
    },
    'warn',
    'connmgr "orders": failover to db2:5432/app completed in 80 ms',
  ],
  [
    { type: 'standbyFellBehind', pool: 'orders', endpoint: 'db2:5432/app', lagMs: 10_400.2 },
    'warn',
    'connmgr "orders": db2:5432/app is 10400 ms behind and gets no reads',
  ],
  [
    { type: 'standbyCaughtUp', pool: 'orders', endpoint: 'db2:5432/app', lagMs: 0 },
    'info',
    'connmgr "orders": db2:5432/app has caught up (0 ms behind) and gets reads',
  ],
  [
    {
      type: 'workReplayed',
      pool: 'orders',
      unit: 'transaction',
      attempt: 2,
      reason: 'refused',
      durationMs: 80.4,
      error,
    },
    'debug',
    'connmgr "orders": a transaction is run again (refused), attempt 2, after 80 ms: it broke',
  ],
  [
    { type: 'listenerFailed', pool: 'orders', reason: 'a listener of poolClosed threw', error },
    'error',
    'connmgr "orders": a listener of poolClosed threw: it broke',
  ],
])('%j', (event, level, message) => {
  expect(describeEvent(event)).toEqual({ level, message })
})

const cluster = { pool: 'orders', endpoint: 'db:5432/app' }
const change = { ...cluster, from: 'UP', role: 'primary', reason: 'seen' } as const

test.each<[ConnmgrEvent, string, string]>([
  [
    { type: 'connectionCreated', ...about },
    'debug',
    'connection 7 to db:5432/app opened in 61000 ms',
  ],
  [
    { type: 'connectionFailed', ...about, reason: 'connect', error },
    'debug',
    'could not connect to db:5432/app: it broke',
  ],
  [
    { type: 'connectionFailed', ...about, reason: 'hook', error },
    'warn',
    'onConnect failed on a new connection to db:5432/app: it broke',
  ],
  [
    { type: 'connectionClosed', ...about, reason: 'evicted' },
    'debug',
    'connection 7 to db:5432/app closed (evicted)',
  ],
  [
    { type: 'connectionAcquired', ...about, leaseId: 1 },
    'debug',
    'connection 7 lent after 61000 ms',
  ],
  [
    { type: 'connectionReleased', ...about, leaseId: 1 },
    'debug',
    'connection 7 returned after 61000 ms',
  ],
  [
    { type: 'acquireFailed', ...about, reason: 'timeout', error },
    'debug',
    'acquire failed (timeout) after 61000 ms: it broke',
  ],
  [
    { type: 'validationFailed', ...about, error },
    'info',
    'connection 7 to db:5432/app failed its check: it broke',
  ],
  [
    { type: 'topologyChanged', ...about, added: ['c:5432/app'], removed: ['a:5432/app'] },
    'info',
    'topology changed: + c:5432/app, - a:5432/app',
  ],
  [
    { type: 'topologyFailed', ...about, source: 'DNS', error },
    'warn',
    'DNS does not tell the topology, so it stays as it is: it broke',
  ],
  [
    { type: 'loginsFailed', ...about, error },
    'warn',
    'db:5432/app takes no new connections, while those that are open go on: it broke',
  ],
  [
    { type: 'loginsRecovered', ...about },
    'info',
    'db:5432/app takes new connections again, after 61000 ms',
  ],
  [
    { type: 'queryTimedOut', ...about, query: 'select 1' },
    'warn',
    'connection 7 to db:5432/app destroyed, as its statement has run for 61000 ms: select 1',
  ],
  [
    { type: 'queryTimedOut', ...about, query: undefined },
    'warn',
    'connection 7 to db:5432/app destroyed, as its statement has run for 61000 ms: unknown',
  ],
  [
    { type: 'connectionDirty', ...about, reason: 'busy', lease },
    'warn',
    'connection 7 came back mid-query from buildReport (/app/report.ts:12:5); it was not lent on as it was',
  ],
  [
    {
      type: 'leakResolved',
      ...about,
      lease: { ...lease, checkedOutBy: undefined, label: 'report' },
    },
    'info',
    'leak resolved: connection 7 came back after 61000 ms from report',
  ],
  [
    { type: 'poolCleared', ...about, reason: 'requested' },
    'info',
    'connections to db:5432/app invalidated: requested',
  ],
  [
    { type: 'poolResized', ...about, poolSize: 3, maxOverflow: 2 },
    'info',
    'db:5432/app resized to 3 + 2',
  ],
  [
    { type: 'healthCheckCompleted', ...about, healthy: true, role: 'primary' },
    'debug',
    'db:5432/app is healthy (61000 ms)',
  ],
  [
    { type: 'healthCheckCompleted', ...about, healthy: false, role: 'unknown', error },
    'debug',
    'db:5432/app is failing (61000 ms)',
  ],
  [{ type: 'healthRecovered', ...about }, 'info', 'db:5432/app recovered after 61000 ms'],
  [
    { type: 'endpointStateChanged', ...change, to: 'QUARANTINED' },
    'error',
    'db:5432/app: UP → QUARANTINED (seen)',
  ],
  [
    { type: 'endpointStateChanged', ...change, to: 'FENCED' },
    'error',
    'db:5432/app: UP → FENCED (seen)',
  ],
  [
    { type: 'roleChanged', ...cluster, from: 'primary', to: 'standby' },
    'info',
    'db:5432/app was a primary and is a standby now',
  ],
  [
    { type: 'clusterStateChanged', ...cluster, from: 'STEADY', to: 'ALL_DOWN', reason: 'silence' },
    'error',
    'cluster: STEADY → ALL_DOWN (silence)',
  ],
  [
    { type: 'clusterStateChanged', ...cluster, from: 'ALL_DOWN', to: 'STEADY', reason: 'back' },
    'info',
    'cluster: ALL_DOWN → STEADY (back)',
  ],
  [
    { type: 'failoverStarted', ...cluster, reason: 'lost' },
    'warn',
    'failover started, leaving db:5432/app: lost',
  ],
  [
    { type: 'failoverStarted', ...cluster, endpoint: undefined, reason: 'asked' },
    'warn',
    'failover started, leaving nothing: asked',
  ],
  [
    {
      type: 'switchoverCompleted',
      ...about,
      from: 'db2:5432/app',
      epoch: 2,
      reason: 'requested',
    },
    'warn',
    'switchover to db:5432/app completed in 61000 ms',
  ],
  [
    { type: 'failbackCompleted', ...about, from: undefined, epoch: 3, reason: 'preferred' },
    'warn',
    'failback to db:5432/app completed in 61000 ms',
  ],
  [
    { type: 'failoverFailed', ...about, attempt: 2, reason: 'no server is up' },
    'error',
    'failover attempt 2 found no writer in 61000 ms: no server is up',
  ],
  [
    {
      type: 'operatorActed',
      pool: 'orders',
      endpoint: undefined,
      action: 'recycle',
      by: 'ann',
      durationMs: 1,
      result: '2 idle connections were closed.',
    },
    'warn',
    'ann asked for recycle: 2 idle connections were closed.',
  ],
  [
    {
      type: 'operatorActed',
      ...cluster,
      action: 'failover',
      by: undefined,
      durationMs: 1,
      result: undefined,
      error,
    },
    'warn',
    `someone asked for failover of db:5432/app: it failed: ${error.message}`,
  ],
])('%j is logged in words, at its level', (event, level, text) => {
  expect(describeEvent(event)).toEqual({ level, message: `connmgr "orders": ${text}` })
})

test('nothing is put into words for a logger that would not read it', () => {
  const own = { debug() {}, info() {}, warn() {}, error() {} }
  expect(loggedBy(silentLogger)).toEqual([])
  expect(loggedBy(own)).toBe(LOGGED_EVENT_TYPES)
  expect(loggedBy(consoleLogger)).toContain('leakDetected')
  expect(loggedBy(consoleLogger)).not.toContain('connectionCreated')
})

test('a logger gets the sentence, and the event as fields', () => {
  const logger = { debug: jest.fn(), info: jest.fn(), warn: jest.fn(), error: jest.fn() }
  logEvent(logger, { type: 'leaseMisused', ...about, leaseId: 3, reason: 'released-twice' })
  expect(logger.warn).toHaveBeenCalledWith(
    'connmgr "orders": lease 3 was released twice; the second time was ignored',
    expect.objectContaining({ event: 'leaseMisused', leaseId: 3, pool: 'orders' }),
  )
})

test('a nested acquire is logged with both places', () => {
  const logger = { debug: jest.fn(), info: jest.fn(), warn: jest.fn(), error: jest.fn() }
  logEvent(logger, {
    type: 'leaseMisused',
    ...about,
    leaseId: 3,
    reason: 'nested',
    lease: { ...lease, checkedOutBy: 'outer (/app/a.ts:1:1)' },
    waiter: { checkedOutBy: 'inner (/app/b.ts:2:2)', stack: undefined },
  })
  expect(logger.warn).toHaveBeenCalledWith(
    expect.stringMatching(
      /lease 3, acquired by outer \(\/app\/a\.ts:1:1\), waits .* at inner \(\/app\/b\.ts:2:2\)/,
    ),
    expect.objectContaining({ event: 'leaseMisused', reason: 'nested' }),
  )
})

test('a manager logs what happens, but not every acquire', async () => {
  const logged: string[] = []
  const log = (_message: string, meta?: object) => logged.push((meta as { event: string }).event)
  const h = manage({ logger: { debug: log, info: log, warn: log, error: log } })
  ;(await h.manager.acquire()).release()
  await close(h)
  expect(logged).toContain('connectionCreated')
  expect(logged).toContain('poolClosed')
  expect(logged).not.toContain('connectionAcquired')
  expect(LOGGED_EVENT_TYPES).not.toContain('connectionReleased')
})

test('without a logger, what needs attention goes to the console and nothing else', () => {
  const spies = (['log', 'info', 'debug', 'warn', 'error'] as const).map((method) =>
    jest.spyOn(console, method).mockImplementation(() => {}),
  )
  consoleLogger.debug('a')
  consoleLogger.info('b')
  consoleLogger.warn('c')
  consoleLogger.error('d')
  expect(spies.flatMap((spy) => spy.mock.calls)).toEqual([['c'], ['d']])
  for (const spy of spies) spy.mockRestore()
})
