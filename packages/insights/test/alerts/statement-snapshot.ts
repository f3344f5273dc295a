import type { Distribution, InsightsSnapshot } from '../../src/snapshot.js'

const distribution = (count: number, meanMs: number): Distribution => ({
  count,
  totalMs: count * meanMs,
  meanMs,
  p50Ms: meanMs,
  p95Ms: meanMs,
  p99Ms: meanMs,
  maxMs: meanMs,
})

/** What insights of the pool `fake` would tell of statements, by their fingerprints. */
export function statementSnapshot(
  statements: Readonly<Record<string, { calls: number; meanMs: number; errors?: number }>>,
): InsightsSnapshot {
  const all = Object.entries(statements)
  const sum = (read: (each: { calls: number; errors?: number }) => number): number =>
    all.reduce((total, [, each]) => total + read(each), 0)
  return {
    pool: 'fake',
    database: 'postgresql',
    at: 0,
    durationMs: 60_000,
    options: { slowMs: 100, heldIdleMs: 1000, nPlusOneThreshold: 5, maxFingerprints: 500 },
    totals: {
      statements: sum(({ calls }) => calls),
      errors: sum(({ errors = 0 }) => errors),
      rows: 0,
      waitMs: 0,
      runMs: 0,
      leases: 0,
      heldMs: 0,
      heldIdleMs: 0,
      transactions: 0,
      forgotten: 0,
      fingerprints: all.length,
    },
    statements: all.map(([fingerprint, { calls, errors = 0, meanMs }]) => ({
      fingerprint,
      text: `select ${fingerprint}`,
      kind: 'read',
      tables: [],
      site: undefined,
      tags: {},
      calls,
      errors,
      rows: 0,
      prepared: 0,
      inTransaction: 0,
      withLiterals: 0,
      withListedNumbers: 0,
      wait: distribution(calls, 0),
      run: distribution(calls, meanMs),
      share: 0,
      firstSeenAt: 0,
      lastSeenAt: 0,
    })),
    transactions: [],
    heldIdle: [
      {
        site: { functionName: 'pay', file: '/app/src/pay.ts', line: 9, column: 3 },
        leases: 12,
        exceeded: 0,
        exceededInTransaction: 0,
        held: distribution(12, 6000),
        heldIdle: distribution(12, 61_000 / 12),
        longestGap: undefined,
        open: 0,
      },
    ],
    nPlusOne: [],
    blocking: [],
    slow: [],
    plans: [],
    planChanges: [],
    planJumps: [],
  }
}
