import { close, manage } from '../../test/harness.js'
import type { LeaseReport } from '../leaks/lease-report.js'
import type { ConnmgrEvent } from './events.js'
import { consoleLogger, describeEvent, LOGGED_EVENT_TYPES, logEvent } from './log.js'

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
    'connmgr "orders": leak: connection 7 held for 61000 ms by buildReport (/app/report.ts:12:5)\n' +
      '    at buildReport (/app/report.ts:12:5)\n    at main (/app/main.ts:3:1)',
  ],
  [
    {
      type: 'leakDetected',
      ...about,
      lease: { ...lease, checkedOutBy: undefined, stack: undefined },
      reclaimed: true,
    },
    'warn',
    'connmgr "orders": leak: connection 7 held for 61000 ms by a caller whose stack was not captured, destroyed',
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
    { type: 'listenerFailed', pool: 'orders', reason: 'a listener of poolClosed threw', error },
    'error',
    'connmgr "orders": a listener of poolClosed threw: it broke',
  ],
])('%j', (event, level, message) => {
  expect(describeEvent(event)).toEqual({ level, message })
})

test('a logger gets the sentence, and the event as fields', () => {
  const logger = { debug: jest.fn(), info: jest.fn(), warn: jest.fn(), error: jest.fn() }
  logEvent(logger, { type: 'leaseMisused', ...about, leaseId: 3, reason: 'released-twice' })
  expect(logger.warn).toHaveBeenCalledWith(
    'connmgr "orders": lease 3 was released twice; the second time was ignored',
    expect.objectContaining({ event: 'leaseMisused', leaseId: 3, pool: 'orders' }),
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
