// Runs the example in the current folder: builds the packages, generates its Prisma client if it has a schema, starts it.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, run } from './run.mjs'

const folder = process.cwd()
try {
  await run(process.execPath, [join(ROOT, 'scripts', 'build.mjs')], { quiet: true })
  const schema = join(folder, 'schema.prisma')
  if (existsSync(schema))
    await run(process.execPath, [join(ROOT, 'scripts', 'prisma-generate.mjs'), schema])
  await run(process.execPath, ['--import', 'tsx', join(folder, 'src', 'main.ts')], { cwd: folder })
} catch (error) {
  console.error(error.message)
  process.exit(error.exitCode ?? 1)
}
