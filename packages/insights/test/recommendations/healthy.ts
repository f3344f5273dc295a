import type { Histogram, PoolSettings } from '@connmgr/core'
import fc from 'fast-check'
import type { PoolFacts, RecommendationFacts } from '../../src/recommendations/facts.js'
import type { SchemaFacts } from '../../src/server-facts/schema-facts.js'
import type { ServerFacts } from '../../src/server-facts/server-facts.js'
import type {
  CodePlace,
  Distribution,
  InsightsSnapshot,
  StatementStats,
} from '../../src/snapshot.js'

export const PLACE: CodePlace = {
  functionName: 'pay',
  file: '/app/src/pay.ts',
  line: 9,
  column: 3,
}

export function distribution(count: number, meanMs: number): Distribution {
  const each = { meanMs, p50Ms: meanMs, p95Ms: meanMs, p99Ms: meanMs, maxMs: meanMs }
  return { count, totalMs: count * meanMs, ...each }
}

function histogram(count: number, ms: number): Histogram {
  return {
    count,
    sumMs: count * ms,
    buckets: count === 0 ? [] : [{ fromMs: ms, toMs: ms * 1.01, count }],
  }
}

export function statement(more: Partial<StatementStats> = {}): StatementStats {
  const calls = more.calls ?? 5000
  return {
    fingerprint: 'f1',
    text: 'select * from users where id = ?',
    kind: 'read',
    tables: ['users'],
    site: PLACE,
    tags: {},
    calls,
    errors: 0,
    rows: calls,
    prepared: calls,
    inTransaction: 0,
    withLiterals: 0,
    withListedNumbers: 0,
    wait: distribution(calls, 0),
    run: distribution(calls, 1),
    share: 0.3,
    firstSeenAt: 0,
    lastSeenAt: 0,
    ...more,
  }
}

export const SETTINGS: PoolSettings = {
  poolSize: 5,
  maxOverflow: 5,
  minIdle: 0,
  acquireTimeoutMs: 30_000,
  connectTimeoutMs: 5000,
  idleTimeoutMs: 600_000,
  maxLifetimeMs: 3_600_000,
  maxUses: Number.POSITIVE_INFINITY,
  allowExitOnIdle: false,
  poolMode: 'pooled',
}

export const SERVER: ServerFacts = {
  database: 'postgresql',
  version: '18.1',
  major: 18,
  maxConnections: 100,
  reservedConnections: 3,
  usableConnections: 97,
  usedConnections: 12,
  idleInTransaction: 0,
  timeouts: { idleInTransactionMs: 60_000, keepaliveIdleMs: 7_200_000 },
  readOnly: false,
  encrypted: true,
  superuser: false,
  readsAllStats: false,
  extensions: { pg_stat_statements: 'created', hypopg: 'missing' },
  pooler: undefined,
}

export const SCHEMA: SchemaFacts = {
  scannedTables: [
    { table: 'users', rows: 200, seqScans: 9000, seqRows: 1_800_000, indexScans: 3, indexes: [] },
  ],
  indexFaults: [],
  unindexedForeignKeys: [
    { table: 'small', constraint: 'small_fk', columns: ['a'], references: 'b', rows: 12 },
  ],
}

/** A pool whose callers wanted so many connections for these times, and held each for `heldMs`. */
export function pool({
  demand = { 0: 90_000, 1: 8000, 3: 2000 } as Readonly<Record<number, number>>,
  leases = 5000,
  heldMs = 3,
  waitMs = 0.1,
  connects = 5,
  failed = 0,
  settings = SETTINGS,
  more = {} as Partial<PoolFacts>,
} = {}): PoolFacts {
  const levels = Object.entries(demand).map(([connections, ms]) => ({
    connections: Number(connections),
    ms,
  }))
  const measured = {
    wait: histogram(leases, waitMs),
    use: histogram(leases, heldMs),
    create: histogram(connects, 20),
    demand: { totalMs: levels.reduce((sum, { ms }) => sum + ms, 0), levels },
    unmetDemand: { totalMs: 0, levels: [] },
  }
  return {
    settings,
    metrics: {
      size: settings.poolSize,
      checkedIn: 3,
      checkedOut: 1,
      overflow: 0,
      totalCheckouts: leases,
      totalConnectionsCreated: connects,
      totalConnectionsClosed: 0,
      leakedConnections: 0,
      activeLeaks: 0,
      failedCheckouts: failed,
      avgCheckoutTimeMs: heldMs,
      avgWaitTimeMs: waitMs,
      waiting: 0,
      connecting: 0,
      utilization: 0.1,
      limit: settings.poolSize + settings.maxOverflow,
    },
    histograms: { ...measured, endpoints: [{ endpoint: 'db:5432/app', ...measured }] },
    holders: [],
    leaks: [],
    ...more,
  }
}

export function snapshot(more: Partial<InsightsSnapshot> = {}): InsightsSnapshot {
  return {
    pool: 'orders',
    database: 'postgresql',
    at: 0,
    durationMs: 600_000,
    options: { slowMs: 200, heldIdleMs: 100, nPlusOneThreshold: 5, maxFingerprints: 500 },
    totals: {
      statements: 5000,
      errors: 0,
      rows: 5000,
      waitMs: 500,
      runMs: 5000,
      leases: 5000,
      heldMs: 15_000,
      heldIdleMs: 5000,
      transactions: 100,
      forgotten: 0,
      fingerprints: 1,
    },
    statements: [statement()],
    transactions: [],
    heldIdle: [],
    nPlusOne: [],
    blocking: [],
    slow: [],
    plans: [],
    planChanges: [],
    planJumps: [],
    ...more,
  }
}

/** What insights and a server tell of an application that is well, however busy it is. */
export const HEALTHY: fc.Arbitrary<{ snapshot: InsightsSnapshot; facts: RecommendationFacts }> = fc
  .record({
    poolSize: fc.integer({ min: 1, max: 30 }),
    maxOverflow: fc.integer({ min: 0, max: 17 }),
    instances: fc.integer({ min: 1, max: 2 }),
    busy: fc.double({ min: 0, max: 1, noNaN: true }),
    minutes: fc.integer({ min: 1, max: 10_000 }),
    burst: fc.double({ min: 0, max: 0.009, noNaN: true }),
    heldMs: fc.double({ min: 0.1, max: 2000, noNaN: true }),
    statements: fc.array(
      fc.record({
        calls: fc.integer({ min: 1, max: 1_000_000 }),
        meanMs: fc.double({ min: 0.01, max: 500, noNaN: true }),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
        kind: fc.constantFrom(
          'read' as const,
          'insert' as const,
          'transaction' as const,
          'session' as const,
        ),
      }),
      { maxLength: 8 },
    ),
    idle: fc.array(
      fc.record({
        leases: fc.integer({ min: 20, max: 100_000 }),
        late: fc.integer({ min: 0, max: 3 }),
        inTransaction: fc.boolean(),
      }),
      { maxLength: 5 },
    ),
    known: fc.record({ server: fc.boolean(), schema: fc.boolean(), pool: fc.boolean() }),
  })
  .map(
    ({
      burst,
      busy,
      heldMs,
      idle,
      instances,
      known,
      maxOverflow,
      minutes,
      poolSize,
      statements,
    }) => {
      const limit = poolSize + maxOverflow
      const totalMs = minutes * 60_000
      const load = busy * limit
      const leases = Math.max(1, Math.round((load * totalMs) / heldMs))
      const facts: RecommendationFacts = {
        instances,
        networkTimeoutMs: 700_000,
        ...(known.pool && {
          pool: pool({
            settings: { ...SETTINGS, poolSize, maxOverflow },
            leases,
            heldMs,
            // What a queue is for: a short burst above the limit.
            waitMs: 30,
            connects: Math.min(99, leases),
            demand: { [Math.floor(load)]: totalMs * (1 - burst), [limit + 7]: totalMs * burst },
          }),
        }),
        ...(known.server && { server: SERVER }),
        ...(known.schema && { schema: SCHEMA }),
      }
      return {
        facts,
        snapshot: snapshot({
          statements: statements.map(({ calls, kind, meanMs, share }, index) =>
            statement({
              fingerprint: `f${index}`,
              calls,
              kind,
              share,
              run: distribution(calls, meanMs),
              prepared: calls,
            }),
          ),
          heldIdle: idle.map(({ inTransaction, late, leases: count }) => ({
            site: PLACE,
            leases: count,
            // A busy processor now and then.
            exceeded: late,
            exceededInTransaction: inTransaction ? late : 0,
            held: distribution(count, 50),
            heldIdle: distribution(count, 10),
            longestGap: undefined,
            open: 0,
          })),
          plans: [
            {
              fingerprint: 'f0',
              text: 'select * from users where email = ?',
              hash: 'h',
              shape: 'Seq Scan users',
              cost: 9,
              sequentialScans: [
                { relation: 'users', schema: 'public', filter: '(users.email = $1)', rows: 1 },
              ],
              at: 0,
            },
          ],
        }),
      }
    },
  )
