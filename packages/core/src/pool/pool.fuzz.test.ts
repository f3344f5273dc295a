import fc from 'fast-check'
import { poolProperty } from '../../test/pool-model.js'

test('no history of calls, failures and delays breaks the invariants of a pool', async () => {
  await fc.assert(poolProperty, { numRuns: Number(process.env.FUZZ_RUNS ?? 3000) })
})
