// Checks the types of everything that the build leaves out: tests, type tests, the demo, examples, benchmarks.
import { exitLike, run, runBin } from './run.mjs'

try {
  await run(process.execPath, ['scripts/build.mjs'])
  await run(process.execPath, ['scripts/prisma-generate.mjs'])
  await runBin('tsc', ['-p', 'tsconfig.test.json'])
  await runBin('tsc', ['-p', 'packages/dashboard/page'])
} catch (error) {
  exitLike(error)
}
