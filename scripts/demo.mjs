// The demo: builds what it needs and runs it. `--json` prints one JSON object on stdout, and nothing else there.
import { exitLike, run } from './run.mjs'

try {
  await run(process.execPath, ['scripts/build.mjs'], { quiet: true })
  await run(process.execPath, ['scripts/prisma-generate.mjs', 'demo/schema.prisma'], {
    quiet: true,
  })
  await run(process.execPath, ['--import', 'tsx', 'demo/src/main.ts', ...process.argv.slice(2)])
} catch (error) {
  exitLike(error)
}
