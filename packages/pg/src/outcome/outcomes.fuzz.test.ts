import fc from 'fast-check'
import { outcomeProperty } from '../../test/outcome-property.js'

/** Few, as there is a search of its own: `npm run fuzz -- --of outcomes`. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 400)
/** Far above what they take: it only ends a run that hangs. */
const TIMEOUT_MS = 600_000 + RUNS * 100

test(
  'in no history is a caller told of a write what is not so',
  async () => {
    await fc.assert(outcomeProperty, { numRuns: RUNS })
  },
  TIMEOUT_MS,
)
