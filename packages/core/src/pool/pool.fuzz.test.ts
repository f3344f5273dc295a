import { patient } from '@connmgr/testing'
import fc from 'fast-check'
import { poolProperty } from '../../test/pool-steps.js'

/** Few, as there is a search of its own: `npm run fuzz`. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 400)
/** Far above what they take: it only ends a run that hangs. */
const TIMEOUT_MS = patient(600_000 + RUNS * 50)

test(
  'no history of calls, failures and delays breaks the invariants of a pool',
  async () => {
    await fc.assert(poolProperty, { numRuns: RUNS })
  },
  TIMEOUT_MS,
)
