import {
  PLACE,
  pool,
  SERVER,
  SETTINGS,
  snapshot,
  statement,
} from '../../test/recommendations/healthy.js'
import type { BlockingEdge } from '../snapshot.js'
import type { RecommendationFacts } from './facts.js'
import { recommendations } from './recommendations.js'

const party = {
  processId: 1,
  site: PLACE,
  statement: { fingerprint: 'b', text: 'update orders set x = ?' },
  own: true,
  application: undefined,
  state: undefined,
}
const blocking: BlockingEdge = {
  waiter: party,
  blocker: party,
  relation: 'orders',
  lockType: 'record',
  waitedMs: 4000,
  count: 1,
  active: true,
  firstSeenAt: 0,
  lastSeenAt: 0,
}
/** What has trouble of every kind that only words tell apart. */
const TROUBLED: RecommendationFacts = {
  pool: pool({ leases: 60_000, heldMs: 20, waitMs: 300, demand: { 5: 50_000, 14: 50_000 } }),
  server: { ...SERVER, usableConnections: 12, maxConnections: 12, usedConnections: 10 },
  instances: 12,
}

const of = (database: string, facts: RecommendationFacts = TROUBLED) =>
  recommendations(
    snapshot({ database, statements: [statement({ prepared: 0 })], blocking: [blocking] }),
    facts,
  )

test.each([
  ['postgresql', /PgBouncer/, /lock_timeout$/],
  ['mysql', /ProxySQL/, /innodb_lock_wait_timeout$/],
])('advice on %s has its own words', (database, pooler, lockTimeout) => {
  const found = of(database)
  const fixOf = (code: string) => found.find((each) => each.code === code)?.fix
  expect(fixOf('pool-above-server')).toMatch(pooler)
  expect(fixOf('blocked-by')).toMatch(lockTimeout)
})

test('on MySQL nothing is named that it does not have', () => {
  const texts = JSON.stringify([
    ...of('mysql'),
    ...of('mysql', {
      pool: pool({ settings: { ...SETTINGS, idleTimeoutMs: 600_000 } }),
      networkTimeoutMs: 350_000,
    }),
  ])
  expect(texts).toContain('idle-above-network-timeout')
  expect(texts).not.toMatch(/PgBouncer|keepalive|idle_in_transaction_session|[^_]lock_timeout/)
})

test.each(['mysql', 'sqlite', 'duckdb'])(
  'that a statement is not prepared is no fault on %s, whose plans are not kept by the server',
  (database) => {
    const codes = of(database, {}).map(({ code }) => code)
    expect(codes).not.toContain('unprepared-statement')
    expect(of('postgresql', {}).map(({ code }) => code)).toContain('unprepared-statement')
  },
)

test('that callers wait for the one writer of SQLite is no matter of the size of a pool', () => {
  const { server: _none, ...facts } = TROUBLED
  expect(of('sqlite', facts).map(({ code }) => code)).not.toContain('pool-too-small')
  expect(of('postgresql', facts).map(({ code }) => code)).toContain('pool-too-small')
})
