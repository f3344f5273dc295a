// Loads one manager for minutes with everything that callers, servers and the process can do to it; see proof/soak/src.
// `--shared` lets queries of the pool share
// connections; `--json` prints one JSON object on stdout, and nothing else there.
import { randomSeed, readArguments, SEED } from './arguments.mjs'
import { exitLike, run } from './run.mjs'

const {
  minutes = '5',
  seed = randomSeed(),
  json,
  shared,
} = readArguments(
  {
    minutes: {
      check: (value) => /^\d{1,4}(\.\d+)?$/.test(value) && Number(value) > 0,
      wants: 'a number above 0, such as 5 or 0.5',
    },
    seed: SEED,
    json: { type: 'boolean' },
    shared: { type: 'boolean' },
  },
  'npm run soak -- --minutes 5 --seed 42 --shared --json',
)

try {
  await run(process.execPath, ['scripts/build.mjs'], { quiet: true })
  await run(process.execPath, [
    '--expose-gc',
    '--import',
    'tsx',
    'proof/soak/src/main.ts',
    '--minutes',
    minutes,
    '--seed',
    seed,
    ...(shared ? ['--shared'] : []),
    ...(json ? ['--json'] : []),
  ])
} catch (error) {
  exitLike(error)
}
