import { close, manage } from '../../test/harness.js'
import type { ConnmgrEvent } from './events.js'
import { describeEvent } from './log.js'

const about = { pool: 'orders', endpoint: 'db:5432/app' }
const error = { name: 'Error', message: 'it broke' }
const change = { type: 'endpointStateChanged', ...about, role: 'primary', reason: 'why' } as const
const cluster = { type: 'clusterStateChanged', pool: 'orders', reason: 'why' } as const

/** Words of those who have several servers. */
const FOREIGN = /QUARANTINED|ALL_DOWN|STEADY|DOWN|SUSPECT|endpoint|failover|cluster/

test.each<[ConnmgrEvent, string, string]>([
  [
    { type: 'startDelayed', ...about, durationMs: 1000, remainingMs: 9000, error },
    'warn',
    'the database is not there yet: it broke; trying for another 9000 ms',
  ],
  [{ ...change, from: 'UNKNOWN', to: 'UP' }, 'info', 'the database answers: why'],
  [{ ...change, from: 'UP', to: 'SUSPECT' }, 'info', 'the database may be in trouble: why'],
  [{ ...change, from: 'SUSPECT', to: 'DOWN' }, 'error', 'the database cannot be reached: why'],
  [{ ...change, from: 'DOWN', to: 'PROBATION' }, 'info', 'the database answers again: why'],
  [{ ...change, from: 'PROBATION', to: 'UP' }, 'debug', 'the database has been well for a while'],
  [
    { ...change, from: 'UP', to: 'STARTING' },
    'warn',
    'the database refuses logins, as it is starting or stopping: why',
  ],
  [{ ...change, from: 'UP', to: 'BUSY' }, 'warn', 'the database has no connection to spare: why'],
  [
    { ...change, from: 'UNKNOWN', to: 'QUARANTINED' },
    'error',
    'the database refused the login: why',
  ],
  [{ ...cluster, from: 'STEADY', to: 'ALL_DOWN' }, 'debug', 'the database cannot be used: why'],
  [{ ...cluster, from: 'ALL_DOWN', to: 'STEADY' }, 'debug', 'the database can be used again: why'],
  [
    { type: 'healthRecovered', ...about, durationMs: 20 },
    'info',
    'the database recovered after 20 ms',
  ],
  [
    { type: 'poolCleared', ...about, reason: 'requested' },
    'info',
    'connections invalidated: requested',
  ],
])('%j reads as of one database', (event, level, text) => {
  expect(describeEvent(event, true)).toEqual({ level, message: `connmgr "orders": ${text}` })
  expect(text).not.toMatch(FOREIGN)
})

test('what a manager of one server logs speaks of one database', async () => {
  const lines: string[] = []
  const log = (message: string): unknown => lines.push(message)
  const logger = { debug: log, info: log, warn: log, error: log }
  const h = manage({ logger, healthMonitoring: true })
  ;(await h.manager.acquire()).release()
  await h.clock.advance(500)
  for (const state of ['down', 'denied', 'starting', 'full'] as const) {
    h.driver.server('a').crash()
    h.driver.server('a').state = state
    await h.clock.advance(3000)
    h.driver.server('a').start()
    await h.clock.advance(70_000)
  }
  await close(h)
  expect(lines.join('\n')).toMatch(/the database cannot be reached/)
  expect(lines.filter((line) => FOREIGN.test(line))).toEqual([])
})
