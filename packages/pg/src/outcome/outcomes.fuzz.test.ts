import { patient } from '@connmgr/testing'
import fc from 'fast-check'
import { outcomeProperty } from '../../test/outcome-property.js'
import { realOutcomeProperty } from '../../test/real-outcome-property.js'
import { RealServer } from '../../test/real-world.js'

/** Few, as there is a search of its own: `npm run fuzz -- --of outcomes`. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 150)
/** Each takes real time on a real server. */
const REAL_RUNS = Number(process.env.REAL_FUZZ_RUNS ?? 10)
/** Far above what they take: it only ends a run that hangs. */
const TIMEOUT_MS = patient(600_000 + RUNS * 100)

describe('in no history does a caller get a wrong answer about a write', () => {
  test(
    'on a scripted server, which may do all that PostgreSQL may',
    async () => {
      await fc.assert(outcomeProperty, { numRuns: RUNS })
    },
    TIMEOUT_MS,
  )

  test(
    'on a real one, whose sessions are ended and cut off at random',
    async () => {
      const server = await RealServer.start()
      try {
        await fc.assert(
          realOutcomeProperty(server),
          // To repeat a history takes luck, as it depends on when things happen.
          { numRuns: REAL_RUNS, endOnFailure: true },
        )
      } finally {
        await server.stop()
      }
    },
    TIMEOUT_MS,
  )
})
