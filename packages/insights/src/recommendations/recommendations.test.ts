import type { LeaseReport } from '@connmgr/core'
import fc from 'fast-check'
import {
  distribution,
  HEALTHY,
  PLACE,
  pool,
  SCHEMA,
  SERVER,
  SETTINGS,
  snapshot,
  statement,
} from '../../test/recommendations/healthy.js'
import type { ScannedTable } from '../server-facts/schema-facts.js'
import type { HeldIdleStats, InsightsSnapshot } from '../snapshot.js'
import type { RecommendationFacts } from './facts.js'
import { comparedColumns, indexCandidates } from './index-candidates.js'
import type { Recommendation } from './recommendation.js'
import { recommendations } from './recommendations.js'

const OTHER = { functionName: 'ship', file: '/app/src/ship.ts', line: 77, column: 1 }
const lease = (more: Partial<LeaseReport> = {}): LeaseReport => ({
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
const heldIdle = (more: Partial<HeldIdleStats> = {}): HeldIdleStats => ({
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
const plan = (filter: string) => ({
  fingerprint: 'f1',
  text: 'select * from users where email = ?',
  hash: 'h',
  shape: 'Seq Scan users',
  cost: 4000,
  sequentialScans: [{ relation: 'users', schema: 'public', filter, rows: 3 }],
  at: 0,
})
const scanned = {
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
const FAULTS: readonly (readonly [
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

test.each(FAULTS)('%s is found where it is, and nothing else', (code, faulty, facts, expected) => {
  const found = recommendations(snapshot(faulty), facts)
  expect(found.map((each) => each.code)).toEqual([code])
  expect(found[0]).toMatchObject(expected)
  for (const each of found) {
    expect(each.evidence.length).toBeGreaterThan(0)
    expect(JSON.stringify(each)).not.toMatch(/undefined|NaN|Infinity/)
  }
})

test('nothing is recommended to an application that is well, whatever is known of it', () => {
  fc.assert(
    fc.property(HEALTHY, ({ facts, snapshot: healthy }) => {
      expect(recommendations(healthy, facts)).toEqual([])
    }),
    { numRuns: 1000 },
  )
})

test('a fault is found in an application that is well otherwise, and no second one', () => {
  const found = fc.constantFrom(
    ...FAULTS.filter(
      ([, faulty]) =>
        Object.keys(faulty).length === 1 &&
        ('heldIdle' in faulty || 'nPlusOne' in faulty || 'blocking' in faulty),
    ),
  )
  fc.assert(
    fc.property(HEALTHY, found, ({ facts, snapshot: healthy }, [code, faulty, , expected]) => {
      if (code === 'idle-in-transaction-near-timeout' && facts.server === undefined) return
      const codes = recommendations({ ...healthy, ...faulty }, facts).map((each) => each.code)
      expect(codes).toEqual([code])
      expect(expected).toBeDefined()
    }),
  )
})

test('the most severe and most expensive come first', () => {
  const { leaks } = pool({ more: { leaks: [lease()] } })
  const found = recommendations(
    snapshot({
      heldIdle: [heldIdle(), heldIdle({ site: OTHER, heldIdle: distribution(20, 4000) })],
      statements: [statement({ prepared: 0 })],
    }),
    { pool: pool({ more: { leaks } }) },
  )
  expect(found.map(({ code, site }) => [code, site?.line])).toEqual([
    ['leak', undefined],
    ['idle-in-transaction', 77],
    ['idle-in-transaction', 9],
    ['unprepared-statement', 9],
  ])
})

test('no index is missing that is there: the plan may be older than the rows', () => {
  const filter = '((users.email = $1) AND (users.city = $2))'
  const shapes = ['email, city', 'city, email, id', 'city', 'id, email, city'].map((index) => {
    const [table] = scanned.scannedTables
    const schema = { ...scanned, scannedTables: [{ ...(table as ScannedTable), indexes: [index] }] }
    return indexCandidates(
      snapshot({ plans: [plan(filter)], statements: [statement({ run: distribution(5000, 40) })] }),
      schema,
    ).length
  })
  expect(shapes).toEqual([0, 0, 1, 1])
})

describe('the size that is recommended', () => {
  const busy = pool({
    leases: 60_000,
    heldMs: 20,
    waitMs: 300,
    demand: { 5: 50_000, 40: 50_000 },
    failed: 10,
  })

  test('is no more than the server has room for, over all processes', () => {
    const [first] = recommendations(snapshot(), {
      pool: busy,
      server: { ...SERVER, usableConnections: 50, usedConnections: 20 },
      instances: 4,
    })
    // 20 open, 16 of them ours: 4 others, which leaves 46 for four.
    expect(first).toMatchObject({
      code: 'pool-too-small',
      severity: 'critical',
      fix: expect.stringContaining('poolSize and maxOverflow to 11 together'),
    })
    expect(first?.evidence).toContain('The server allows 11 to each of 4 processes')
  })

  test('is none where the server is full', () => {
    const [first] = recommendations(snapshot(), {
      pool: busy,
      server: { ...SERVER, usableConnections: 20 },
      instances: 4,
    })
    expect(first?.fix).toMatch(/^The server has no room for more/)
  })

  test('comes after the code, where connections are mostly held idle', () => {
    const { totals } = snapshot()
    const [first] = recommendations(
      snapshot({ totals: { ...totals, heldMs: 100, heldIdleMs: 90 } }),
      { pool: busy },
    )
    expect(first?.fix).toMatch(/^First release connections before slow work/)
  })

  test('follows bursts, which no average shows, up to twice the size', () => {
    const bursts = pool({
      leases: 12_000,
      waitMs: 50,
      demand: { 0: 380_000, 13: 12_000, 90: 8000 },
    })
    const [first] = recommendations(snapshot(), { pool: bursts })
    expect(first?.fix).toContain('to 20 together')
  })

  test.each([
    ['a process that has just started', { 0: 58_000, 19: 2000 }],
    ['a server that has paused once', { 0: 580_000, 19: 20_000 }],
  ])('is left as it is after one burst, by %s', (_name, demand) => {
    const one = pool({ leases: 1000, waitMs: 200, demand })
    expect(recommendations(snapshot(), { pool: one })).toEqual([])
  })

  test('is enough for the load, and more than is there', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.double({ min: 0.5, max: 2, noNaN: true }),
        (limit, factor) => {
          const totalMs = 100_000
          const heldMs = 50
          const leases = Math.max(100, Math.round((limit * factor * totalMs) / heldMs))
          const facts = pool({
            settings: { ...SETTINGS, poolSize: limit, maxOverflow: 0 },
            leases,
            heldMs,
            waitMs: 100,
            demand: { [limit]: totalMs / 2, [4 * limit]: totalMs / 2 },
          })
          for (const { code, fix } of recommendations(snapshot(), { pool: facts })) {
            if (code !== 'pool-too-small') continue
            const size = Number(/to (\d+) together/.exec(fix)?.[1])
            expect(size).toBeGreaterThan(limit)
            expect(size).toBeGreaterThan((leases * heldMs) / totalMs)
          }
        },
      ),
    )
  })
})

test.each([
  ['(users.email = $1)', ['email']],
  ["((users.email)::text = '?'::text)", ['email']],
  ['((u.status = $1) AND (u.created_at > $2))', ['status', 'created_at']],
  ['((u.created_at >= $1) AND (u.status = ANY ($2)) AND (u.age < 5))', ['status', 'created_at']],
  ['("Order"."shopId" = $1)', ['"shopId"']],
  ['(lower((users.email)::text) = $1)', []],
  ['((users.a - users.b) = 5)', []],
  ['((users.a = 1) OR (users.b = 2))', []],
  ['(users.a = users.b)', []],
  ["(users.name ~~ '%x%'::text)", []],
  ['(users.a <> $1)', []],
  ['(users.deleted_at IS NULL)', []],
])('an index for %s has the columns %j', (filter, columns) => {
  expect(comparedColumns(filter)).toEqual(columns)
})

test('a wrong number of instances is refused', () => {
  expect(() => recommendations(snapshot(), { instances: 0 })).toThrow(
    /option "instances" must be a whole number above 0/,
  )
})

test('a hot statement that a library fills with the keys of a page is no fault, unless it carries other values too', () => {
  const codes = (withLiterals: number): string[] =>
    recommendations(
      snapshot({
        statements: [statement({ prepared: 0, withListedNumbers: 5000, withLiterals })],
      }),
      { server: SERVER },
    ).map(({ code }) => code)
  expect(codes(0)).toEqual([])
  expect(codes(5000)).toEqual(['values-in-text'])
})
