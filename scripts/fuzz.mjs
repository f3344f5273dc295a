// Runs many random histories: of a pool, or of a whole cluster under failover, against the model of it
// (packages/core/test/pool-model.ts, cluster-model.ts); of outcomes that callers get against the rows that were written
// (packages/pg/test/outcome-property.ts); of statements against plain node-postgres. A failure says how to replay it.
import { randomSeed, readArguments, SEED } from './arguments.mjs'
import { exitLike, run } from './run.mjs'

/** Histories of each kind, unless another number is asked for: as many as take a minute or two. */
const RUNS = {
  pool: '20000',
  failover: '3000',
  outcomes: '5000',
  'real-outcomes': '40',
  statements: '150',
}
/** Of so many histories of outcomes one is played on a real server as well, up to a limit: they take real time. */
const REAL_SHARE = 250
const MOST_REAL = 40
const WHOLE = /^\d{1,9}$/
const given = readArguments(
  {
    of: {
      check: (value) => value in RUNS,
      wants: "'pool', 'failover', 'outcomes', 'real-outcomes' or 'statements'",
    },
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
const { of = 'pool', seed = randomSeed(), path } = given
if (path !== undefined && given.seed === undefined) {
  console.error(
    '--path needs the --seed that was printed with it\nFor example: npm run fuzz -- --seed 42 --path 1234',
  )
  process.exit(1)
}
// A path leads to one history; what comes after it has been tried already.
const { runs = path === undefined ? RUNS[of] : '1' } = given

try {
  await run(process.execPath, ['scripts/build.mjs'], { quiet: true })
  await search(of, runs)
  if (of === 'outcomes' && path === undefined) {
    const real = Math.min(MOST_REAL, Math.ceil(Number(runs) / REAL_SHARE))
    await search('real-outcomes', String(real))
  }
} catch (error) {
  exitLike(error)
}

async function search(what, count) {
  const place = path === undefined ? [] : ['--path', path]
  await run(process.execPath, [
    '--import',
    'tsx',
    'packages/core/test/fuzz.ts',
    '--of',
    what,
    '--runs',
    count,
    '--seed',
    seed,
    ...place,
  ])
}
