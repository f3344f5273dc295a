import { patient } from '@connmgr/testing'
import fc from 'fast-check'
import { clusterProperty } from '../../test/cluster-steps.js'

/** Few, as there is a search of its own: `npm run fuzz`. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 75)
/** Far above what they take: it only ends a run that hangs. */
const TIMEOUT_MS = patient(600_000 + RUNS * 500)

test(
  'no history of faults, calls and operators breaks the invariants of a cluster',
  async () => {
    await fc.assert(clusterProperty, { numRuns: RUNS })
  },
  TIMEOUT_MS,
)
