import fc from 'fast-check'
import { findInEncryption } from './encryption.js'
import { findEndOfLife } from './end-of-life.js'
import { type Finding, ranked, reaches, SEVERITIES } from './finding.js'
import { findInLifetimes, type LifetimeFacts } from './lifetimes.js'
import { findInNetwork, reachOf } from './network.js'
import type { Plan } from './plan.js'
import type { PostgresFacts } from './postgresql/facts.js'
import { findInPooling } from './postgresql/pooling.js'
import { findInUpkeep } from './postgresql/upkeep.js'
import { passes } from './report.js'

const NOW = Date.parse('2026-11-27T12:00:00Z')
const PLAN: Plan = {
  instances: 1,
  limit: 15,
  maxLifetimeMs: 3_600_000,
  idleTimeoutMs: 600_000,
  natTimeoutMs: 350_000,
  idleTransactionMs: 5000,
  now: NOW,
}
const idsOf = (findings: readonly Finding[]): string[] => findings.map(({ id }) => id)

describe('lifetimes', () => {
  const facts: LifetimeFacts = {
    keepAlive: true,
    serverKeepAliveMs: 60_000,
    serverIdleMs: 0,
    serverIdleName: 'idle_session_timeout',
    overNetwork: true,
  }

  test.each<[string, Partial<LifetimeFacts>, Partial<Plan>, string[]]>([
    ['all is well', {}, {}, []],
    [
      'a server that ends idle sessions early',
      { serverIdleMs: 60_000 },
      {},
      ['server-ends-idle-connections'],
    ],
    ['one that ends them after the pool', { serverIdleMs: 900_000 }, {}, []],
    [
      'no keepalives, and idle for longer than the NAT',
      { keepAlive: false },
      {},
      ['idle-connections-forgotten'],
    ],
    ['no keepalives, and idle for less', { keepAlive: false }, { idleTimeoutMs: 300_000 }, []],
    ['no keepalives within the machine', { keepAlive: false, overNetwork: false }, {}, []],
    [
      'keepalives of the server after two hours',
      { serverKeepAliveMs: 7_200_000 },
      {},
      ['server-keepalives-late'],
    ],
    ['none of the server', { serverKeepAliveMs: 0 }, {}, ['server-keepalives-late']],
    ['no lifetime', {}, { maxLifetimeMs: Number.POSITIVE_INFINITY }, ['lifetime-without-limit']],
  ])('%s', (_, change, plan, expected) => {
    expect(idsOf(findInLifetimes({ ...facts, ...change }, { ...PLAN, ...plan }))).toEqual(expected)
  })
})

describe('encryption', () => {
  test('a plain connection matters the more, the farther it goes', () => {
    const severity = (reach: 'local' | 'private' | 'public' | 'unknown') =>
      findInEncryption({ encrypted: false }, reach, NOW).map((each) => each.severity)
    expect(severity('local')).toEqual([])
    expect(severity('private')).toEqual(['warning'])
    expect(severity('unknown')).toEqual(['warning'])
    expect(severity('public')).toEqual(['critical'])
  })

  test('a certificate that is not verified, or ends soon, is said to', () => {
    const tls = { encrypted: true, verified: false, certificateEnds: '2026-12-01T00:00:00.000Z' }
    const findings = findInEncryption(tls, 'public', NOW)
    expect(idsOf(findings)).toEqual(['tls-unverified', 'tls-certificate-ends'])
    expect(findings[1]?.title).toContain('in 4 days')
    const over = findInEncryption(
      { ...tls, certificateEnds: '2026-11-01T00:00:00.000Z' },
      'local',
      NOW,
    )
    expect(over.map(({ severity }) => severity)).toEqual(['critical'])
  })
})

describe('the network', () => {
  test.each([
    [['127.0.0.1'], 'local'],
    [['::1', '127.0.0.1'], 'local'],
    [['10.1.2.3'], 'private'],
    [['172.20.0.5', 'fd00::1'], 'private'],
    [['172.32.0.5'], 'public'],
    [['10.1.2.3', '8.8.8.8'], 'public'],
    [[], 'unknown'],
  ])('%j is %s', (addresses, reach) => {
    expect(reachOf(addresses)).toBe(reach)
  })

  test('several addresses, and names that live long, are reported', () => {
    const facts = { host: 'db', addresses: ['10.0.0.1', '10.0.0.2'], reach: 'private' as const }
    expect(idsOf(findInNetwork({ ...facts, ttlSeconds: 300 }))).toEqual([
      'name-with-several-addresses',
      'dns-ttl-long',
    ])
    expect(findInNetwork({ ...facts, addresses: ['10.0.0.1'], ttlSeconds: 5 })).toEqual([])
    expect(
      findInNetwork({ host: 'localhost', addresses: ['127.0.0.1', '::1'], reach: 'local' }),
    ).toEqual([])
  })
})

test.each([
  ['PostgreSQL', '13', 'warning'],
  ['PostgreSQL', '15', undefined],
  ['PostgreSQL', '99', undefined],
  ['MySQL', '8.0', 'warning'],
  ['MySQL', '8.4', undefined],
  ['MariaDB', '10.11', undefined],
  ['MariaDB', '10.5', 'warning'],
] as const)('%s %s: %s', (product, series, severity) => {
  expect(findEndOfLife(product, series, NOW)[0]?.severity).toBe(severity)
})

test('a version whose support ends within half a year is advice', () => {
  const [finding] = findEndOfLife('PostgreSQL', '15', Date.parse('2027-08-01'))
  expect(finding).toMatchObject({
    severity: 'advice',
    title: expect.stringContaining('2027-11-11'),
  })
})

test('transaction numbers, and sequences, that run out are found before they do', () => {
  const upkeep = (change: Partial<PostgresFacts>) =>
    findInUpkeep({ settings: new Map(), ...change } as PostgresFacts, PLAN)
  const age = (transactions: number) => [{ database: 'app', transactions, multixacts: 1 }]
  expect(upkeep({ ages: age(200_000_000) })).toEqual([])
  expect(upkeep({ ages: age(1_200_000_000) })).toMatchObject([
    { id: 'wraparound-near', severity: 'warning' },
  ])
  expect(upkeep({ ages: age(2_000_000_000) })).toMatchObject([{ severity: 'critical' }])
  expect(upkeep({ sequences: [{ sequence: 'public.a', used: 0.5 }] })).toEqual([])
  expect(upkeep({ sequences: [{ sequence: 'public.a', used: 0.9 }] })).toMatchObject([
    { id: 'sequence-nearly-used-up', severity: 'warning' },
  ])
})

test.each([
  [{ kind: 'none' }, []],
  [{ kind: 'pgbouncer', mode: 'session' }, ['pooler-between']],
  [{ kind: 'some' }, ['pooler-between']],
  [
    { kind: 'pgbouncer', mode: 'transaction', tracksPrepared: true },
    ['pooler-in-transaction-mode'],
  ],
  [
    { kind: 'pgbouncer', mode: 'transaction', tracksPrepared: false, maxClients: 10 },
    [
      'pooler-in-transaction-mode',
      'pooler-without-prepared-statements',
      'connections-exceed-pooler',
    ],
  ],
  [{ kind: 'pgbouncer', mode: 'statement' }, ['pooler-in-statement-mode']],
] as const)('a pooler %j', (pooler, expected) => {
  expect(idsOf(findInPooling(pooler, PLAN))).toEqual(expected)
})

test('findings are ranked by severity, keep their order, and are said once for all their servers', () => {
  const severity = fc.constantFrom(...SEVERITIES)
  const finding = fc.record({
    id: fc.constantFrom('a', 'b', 'c'),
    severity,
    server: fc.constantFrom('one', 'two'),
    title: fc.constantFrom('x', 'y'),
    evidence: fc.constant(['e']),
    fix: fc.constant('f'),
  })
  fc.assert(
    fc.property(fc.array(finding), severity, (findings, threshold) => {
      const result = ranked(findings, ['one', 'two'])
      const order = result.map((each) => SEVERITIES.indexOf(each.severity))
      expect(order).toEqual([...order].sort((a, b) => a - b))
      for (const each of findings)
        expect(
          result.filter(
            (one) =>
              one.id === each.id &&
              one.severity === each.severity &&
              one.title === each.title &&
              one.servers.includes(each.server),
          ),
        ).toHaveLength(1)
      expect(passes(result, threshold)).toBe(
        !findings.some((each) => reaches(each.severity, threshold)),
      )
      expect(passes(result, 'never')).toBe(true)
    }),
  )
})
