import type { LeaseReport } from '@connmgr/core'
import type { RecommendationFacts } from '../../src/recommendations/facts.js'
import type { Recommendation } from '../../src/recommendations/recommendation.js'
import type { HeldIdleStats, InsightsSnapshot } from '../../src/snapshot.js'
import { distribution, PLACE, pool, SCHEMA, SERVER, SETTINGS, statement } from './healthy.js'

export const OTHER = { functionName: 'ship', file: '/app/src/ship.ts', line: 77, column: 1 }

export const lease = (more: Partial<LeaseReport> = {}): LeaseReport => ({
  leaseId: 1,
  connectionId: 4,
  endpoint: 'db:5432/app',
  checkedOutAt: new Date(0),
  heldForMs: 400_000,
  checkedOutBy: 'pay (/app/src/pay.ts:9:3)',
  stack: undefined,
  lastQuery: undefined,
  queryCount: 1,
  ...more,
})

export const heldIdle = (more: Partial<HeldIdleStats> = {}): HeldIdleStats => ({
  site: PLACE,
  leases: 20,
  exceeded: 20,
  exceededInTransaction: 20,
  held: distribution(20, 400),
  heldIdle: distribution(20, 380),
  longestGap: {
    durationMs: 900,
    inTransaction: true,
    after: { fingerprint: 'f9', text: 'select 1', site: OTHER },
  },
  open: 0,
  ...more,
})

const edge = {
  waitedMs: 4000,
  count: 1,
  relation: 'orders',
  lockType: 'transactionid',
  active: true,
  firstSeenAt: 0,
  lastSeenAt: 0,
}

const party = {
  processId: 1,
  statement: { fingerprint: 'b', text: 'update orders set x = ?' },
  own: true,
  application: undefined,
  state: 'idle in transaction',
}

export const plan = (filter: string) => ({
  fingerprint: 'f1',
  text: 'select * from users where email = ?',
  hash: 'h',
  shape: 'Seq Scan users',
  cost: 4000,
  sequentialScans: [{ relation: 'users', schema: 'public', filter, rows: 3 }],
  at: 0,
})

export const scanned = {
  ...SCHEMA,
  scannedTables: [
    {
      table: 'public.users',
      rows: 200_000,
      seqScans: 90,
      seqRows: 1,
      indexScans: 0,
      indexes: ['id'],
    },
  ],
}

/** Each fault with what it looks like, and the verdict that must come of it, and of nothing else. */
export const FAULTS: readonly (readonly [
  string,
  Partial<InsightsSnapshot>,
  RecommendationFacts,
  Partial<Recommendation>,
])[] = [
  [
    'pool-too-small',
    {},
    { pool: pool({ leases: 60_000, heldMs: 20, waitMs: 300, demand: { 5: 50_000, 14: 50_000 } }) },
    {
      severity: 'warning',
      fix: expect.stringContaining('poolSize and maxOverflow to 14 together'),
    },
  ],
  [
    'pool-above-server',
    {},
    { pool: pool(), server: SERVER, instances: 12 },
    {
      severity: 'warning',
      title: expect.stringContaining('may open 120 connections, and the server accepts 97'),
    },
  ],
  [
    'leak',
    {},
    {
      pool: pool({
        more: {
          leaks: [lease(), lease({ leaseId: 2 })],
          holders: [lease(), lease({ leaseId: 2 })],
        },
      }),
    },
    { severity: 'critical', title: 'pay (/app/src/pay.ts:9:3) has not returned 2 connections' },
  ],
  [
    'long-holder',
    {},
    {
      pool: pool({
        more: { holders: [lease({ heldForMs: 90_000 }), lease({ leaseId: 3, longLived: true })] },
      }),
    },
    { title: 'pay (/app/src/pay.ts:9:3) holds 1 connection for more than a minute' },
  ],
  [
    'idle-in-transaction',
    { heldIdle: [heldIdle()] },
    { server: SERVER },
    {
      site: PLACE,
      title: expect.stringContaining(
        'pay (/app/src/pay.ts:9:3) waits for something else inside a transaction',
      ),
      evidence: expect.arrayContaining([expect.stringContaining('ship (/app/src/ship.ts:77:1)')]),
    },
  ],
  [
    'held-idle',
    { heldIdle: [heldIdle({ exceededInTransaction: 0, leases: 1, exceeded: 1 })] },
    {},
    { severity: 'info', site: PLACE },
  ],
  [
    'n-plus-one',
    {
      nPlusOne: [
        {
          fingerprint: 'f1',
          text: 'select * from posts where user_id = ?',
          site: PLACE,
          path: [PLACE, OTHER],
          tables: ['posts'],
          contexts: 3,
          maxRepeats: 25,
          meanRepeats: 20,
          totalRunMs: 60,
          evidence: 'request',
          parent: undefined,
          firstSeenAt: 0,
          lastSeenAt: 0,
        },
      ],
    },
    {},
    {
      site: PLACE,
      evidence: expect.arrayContaining([
        expect.stringContaining('up to 25 times in one request'),
        expect.stringContaining('ship.ts:77'),
      ]),
    },
  ],
  [
    'missing-index',
    {
      statements: [statement({ run: distribution(5000, 40) })],
      plans: [plan('(users.email = $1)')],
    },
    { schema: scanned },
    {
      site: PLACE,
      fix: expect.stringContaining('create index concurrently on public.users (email)'),
    },
  ],
  [
    'unindexed-foreign-key',
    {},
    {
      schema: {
        ...SCHEMA,
        unindexedForeignKeys: [
          {
            table: 'line',
            constraint: 'line_fk',
            columns: ['order_id'],
            references: 'orders',
            rows: 90_000,
          },
        ],
      },
    },
    { severity: 'info' },
  ],
  [
    'invalid-index',
    {},
    {
      schema: {
        ...SCHEMA,
        indexFaults: [{ table: 'a', index: 'a_x', fault: 'invalid', bytes: 9 }],
      },
    },
    { fix: expect.stringContaining('drop index concurrently a_x') },
  ],
  [
    'duplicate-index',
    {},
    {
      schema: {
        ...SCHEMA,
        indexFaults: [{ table: 'a', index: 'a_y', fault: 'duplicate', sameAs: 'a_x', bytes: 9 }],
      },
    },
    { title: 'The index a_y of a is the same as a_x' },
  ],
  [
    'unprepared-statement',
    { statements: [statement({ prepared: 0 })] },
    { server: SERVER },
    { site: PLACE },
  ],
  [
    'values-in-text',
    { statements: [statement({ prepared: 0, withLiterals: 5000 })] },
    {},
    { site: PLACE },
  ],
  [
    'connection-churn',
    {},
    { pool: pool({ connects: 2000, settings: { ...SETTINGS, idleTimeoutMs: 500 } }) },
    { fix: expect.stringContaining('idleTimeoutMs') },
  ],
  [
    'connection-churn',
    {},
    { pool: pool({ connects: 2000, settings: { ...SETTINGS, maxLifetimeMs: 5000 } }) },
    { fix: expect.stringContaining('maxLifetimeMs') },
  ],
  [
    'connection-churn',
    {},
    { pool: pool({ connects: 2000 }) },
    { fix: expect.stringContaining('Raise poolSize') },
  ],
  [
    'idle-above-server-timeout',
    {},
    {
      pool: pool(),
      server: { ...SERVER, timeouts: { idleInTransactionMs: 9e6, idleSessionMs: 300_000 } },
    },
    { fix: 'Set idleTimeoutMs to 240000' },
  ],
  [
    'idle-above-network-timeout',
    {},
    { pool: pool(), server: SERVER, networkTimeoutMs: 350_000 },
    { fix: expect.stringContaining('Set idleTimeoutMs to 280000') },
  ],
  [
    'lifetime-unlimited',
    {},
    {
      pool: pool({ settings: { ...SETTINGS, maxLifetimeMs: Number.POSITIVE_INFINITY } }),
      server: SERVER,
    },
    { severity: 'info' },
  ],
  [
    'idle-in-transaction-unlimited',
    {},
    { server: { ...SERVER, idleInTransaction: 2, timeouts: {} } },
    { evidence: expect.arrayContaining([expect.stringContaining('2 sessions of this role have')]) },
  ],
  [
    'idle-in-transaction-near-timeout',
    {
      heldIdle: [
        heldIdle({
          exceeded: 1,
          longestGap: { durationMs: 45_000, inTransaction: true, after: undefined },
        }),
      ],
    },
    { server: SERVER },
    { site: PLACE },
  ],
  [
    'pooler-session-state',
    {
      statements: [statement({ kind: 'session', text: 'set statement_timeout = ?', prepared: 0 })],
    },
    { server: { ...SERVER, pooler: 'transaction' } },
    { site: PLACE },
  ],
  [
    'pooler-prepared-statements',
    {},
    { server: { ...SERVER, pooler: 'transaction' } },
    { severity: 'info' },
  ],
  [
    'blocked-by',
    {
      blocking: [
        { ...edge, waiter: { ...party, site: PLACE }, blocker: { ...party, site: OTHER } },
      ],
    },
    {},
    { site: OTHER, title: 'ship (/app/src/ship.ts:77:1) blocks pay (/app/src/pay.ts:9:3)' },
  ],
  [
    'plan-regression',
    {
      planChanges: [
        {
          fingerprint: 'f1',
          text: 'select 1',
          from: { ...plan(''), cost: 8 },
          to: plan(''),
          at: 0,
        },
      ],
    },
    {},
    { site: PLACE, statement: { fingerprint: 'f1', text: 'select 1' } },
  ],
  [
    'generic-plan',
    {
      planJumps: [
        {
          fingerprint: 'f1',
          text: 'select 1',
          site: PLACE,
          at: 0,
          rounds: 4,
          before: { count: 16, meanMs: 0.5, p50Ms: 0.4 },
          after: { count: 32, meanMs: 20.5, p50Ms: 19 },
          runs: 100,
          plans: { genericPlans: 90, customPlans: 25 },
        },
      ],
    },
    {},
    { site: PLACE, statement: { fingerprint: 'f1', text: 'select 1' }, costMs: 2000 },
  ],
]
