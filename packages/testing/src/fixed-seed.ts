// Runs before each file of tests, so that those with random histories play the same ones in every run.
//
// A change must not be refused for a history that has not been tried before: which histories are tried would be luck, and
// what they find has nothing to do with the change. New ones are looked for by `npm run fuzz`, and here with another
// FUZZ_SEED.
const DEFAULT_SEED = 20_250_101

const seed = Number(process.env.FUZZ_SEED ?? DEFAULT_SEED)
if (!Number.isInteger(seed))
  throw new Error(`FUZZ_SEED=${process.env.FUZZ_SEED} is no whole number`)

// Loaded only by the tests that import it.
jest.mock('fast-check', () => {
  const fastCheck = jest.requireActual<typeof import('fast-check')>('fast-check')
  fastCheck.configureGlobal({ ...fastCheck.readConfigureGlobal(), seed })
  return fastCheck
})
