// The demo: builds what it needs and runs it. `--json` prints one JSON object on stdout, and nothing else there.
import { join } from 'node:path'
import { ROOT, run } from './run.mjs'

try {
  await run(process.execPath, ['scripts/build.mjs'], { quiet: true })
  await run(process.execPath, ['scripts/prisma-generate.mjs', 'demo/schema.prisma'], {
    quiet: true,
  })
  await run(process.execPath, [
    '--import',
    'tsx',
    join(ROOT, 'demo', 'src', 'main.ts'),
    ...process.argv.slice(2),
  ])
} catch (error) {
  if (error.exitCode === undefined || error.message.includes('scripts/'))
    console.error(error.message)
  process.exit(error.exitCode ?? 1)
}
