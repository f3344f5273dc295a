// The benchmarks: builds what they need and runs them. `--quick`, `--json` and `--suite NAME` are theirs.
import { exitLike, run, runBin } from './run.mjs'

try {
  await run(process.execPath, ['scripts/build.mjs'], { quiet: true })
  await run(process.execPath, ['scripts/prisma-generate.mjs', 'proof/bench/schema.prisma'], {
    quiet: true,
  })
  await runBin('tsc', ['-b', 'proof/bench'], { quiet: true })
  await run(process.execPath, ['proof/bench/dist/main.js', ...process.argv.slice(2)])
} catch (error) {
  exitLike(error)
}
