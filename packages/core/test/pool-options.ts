import type { ManagerOptions } from '@connmgr/core'
import type { FakeConnection } from '@connmgr/testing'
import fc from 'fast-check'

/** The options of a pool under a history. */
export type ModelledOptions = Partial<ManagerOptions<FakeConnection>>

const anyMode = {
  minIdle: fc.integer({ min: 0, max: 1 }),
  maxWaiters: fc.constantFrom(0, 2),
  reset: fc.constantFrom('none', 'discard-all'),
  prePing: fc.boolean(),
} as const
/** Everything that a run may choose about the pool. Small numbers meet their limits soonest. */
export const poolOptions: fc.Arbitrary<ModelledOptions> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      ...anyMode,
      poolSize: fc.integer({ min: 1, max: 3 }),
      maxOverflow: fc.integer({ min: 0, max: 2 }),
      maxUses: fc.constantFrom(0, 2),
      maxLifetimeMs: fc.constantFrom(0, 3000),
      idleTimeoutMs: fc.constantFrom(0, 2000),
      idleOrder: fc.constantFrom('lifo', 'fifo'),
      connectConcurrency: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ ...anyMode, poolMode: fc.constant('static') }) },
) as fc.Arbitrary<ModelledOptions>
