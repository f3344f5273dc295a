// Runs an application of 20 endpoints that is well, and fails if insights or alerts say that something is wrong with it;
// see proof/healthy/src. `--json` prints the result on one line.
import { readArguments } from './arguments.mjs'
import { exitLike, run } from './run.mjs'

const NUMBER = {
  check: (value) => /^\d{1,5}(\.\d+)?$/.test(value) && Number(value) > 0,
  wants: 'a number above 0, such as 20',
}

const {
  seconds = '600',
  rate = '20',
  json,
} = readArguments(
  { seconds: NUMBER, rate: NUMBER, json: { type: 'boolean' } },
  'npm run healthy -- --seconds 600 --rate 20 --json',
)

try {
  await run(process.execPath, ['scripts/build.mjs'], { quiet: true })
  await run(process.execPath, ['scripts/prisma-generate.mjs', 'proof/healthy/schema.prisma'], {
    quiet: true,
  })
  await run(process.execPath, [
    '--import',
    'tsx',
    'proof/healthy/src/main.ts',
    '--seconds',
    seconds,
    '--rate',
    rate,
    ...(json ? ['--json'] : []),
  ])
} catch (error) {
  exitLike(error)
}
