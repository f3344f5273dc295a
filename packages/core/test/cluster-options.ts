import type { ManagerOptions } from '@connmgr/core'
import type { FakeConnection } from '@connmgr/testing'
import fc from 'fast-check'

/** Everything that a history may choose about the cluster and its manager. */
export interface ClusterOptions {
  readonly servers: number
  readonly seed: number
  readonly mode: 'role' | 'ordered'
  readonly splitBrain: 'refuse' | 'stay'
  readonly autoFailback: boolean
  readonly suspectCount: number
  readonly loginProbeMs: number
  readonly restAfterMs: number
  /** Servers of the cluster that the options do not name: a source does. */
  readonly discovered: number
  readonly rogue: 'none' | 'unknown' | 'foreign'
  readonly manager: Partial<ManagerOptions<FakeConnection>>
}

/** Small numbers meet their limits soonest. */
export const clusterOptions: fc.Arbitrary<ClusterOptions> = fc.record({
  servers: fc.integer({ min: 1, max: 4 }),
  seed: fc.nat(),
  mode: fc.constantFrom('role', 'role', 'role', 'ordered'),
  splitBrain: fc.constantFrom('refuse', 'stay'),
  autoFailback: fc.boolean(),
  suspectCount: fc.integer({ min: 1, max: 3 }),
  loginProbeMs: fc.constantFrom(0, 1000),
  restAfterMs: fc.constantFrom(0, 0, 0, 200, 1500),
  discovered: fc.constantFrom(0, 0, 1, 2),
  rogue: fc.constantFrom('none', 'none', 'unknown', 'foreign'),
  manager: fc.record({
    poolSize: fc.integer({ min: 1, max: 2 }),
    maxOverflow: fc.integer({ min: 0, max: 1 }),
    minIdle: fc.integer({ min: 0, max: 1 }),
    prePing: fc.boolean(),
    queryTimeoutMs: fc.constantFrom(0, 500),
    rampMs: fc.constantFrom(0, 2000),
    connectConcurrency: fc.integer({ min: 1, max: 2 }),
  }),
})
