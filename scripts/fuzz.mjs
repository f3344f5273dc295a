// Runs many random histories of a pool against the model of it, see packages/core/test/pool-model.ts. A failure says how
// to replay it.
import { randomSeed, readArguments, SEED } from './arguments.mjs'
import { exitLike, run } from './run.mjs'

const WHOLE = /^\d{1,9}$/
const given = readArguments(
  {
    runs: {
      check: (value) => WHOLE.test(value) && Number(value) > 0,
      wants: 'a whole number above 0, such as 20000',
    },
    seed: SEED,
    path: {
      check: (value) => WHOLE.test(value),
      wants: 'the number that a failure printed beside its seed, such as 1234',
    },
  },
  'npm run fuzz -- --runs 20000 --seed 42',
)
const { seed = randomSeed(), path } = given
if (path !== undefined && given.seed === undefined) {
  console.error(
    '--path needs the --seed that was printed with it\nFor example: npm run fuzz -- --seed 42 --path 1234',
  )
  process.exit(1)
}
// A path leads to one history; what comes after it has been tried already.
const { runs = path === undefined ? '20000' : '1' } = given

try {
  await run(process.execPath, ['scripts/build.mjs'], { quiet: true })
  const place = path === undefined ? [] : ['--path', path]
  await run(process.execPath, [
    '--import',
    'tsx',
    'packages/core/test/fuzz.ts',
    '--runs',
    runs,
    '--seed',
    seed,
    ...place,
  ])
} catch (error) {
  exitLike(error)
}
