// Runs the example in the current folder: builds the packages, generates its Prisma client if it has a schema, starts it.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { exitLike, run } from './run.mjs'

const folder = process.cwd()
const schema = join(folder, 'schema.prisma')
try {
  await run(process.execPath, ['scripts/build.mjs'], { quiet: true })
  if (existsSync(schema)) {
    await run(process.execPath, ['scripts/prisma-generate.mjs', schema], { quiet: true })
  }
  await run(process.execPath, ['--import', 'tsx', join(folder, 'src', 'main.ts')], { cwd: folder })
} catch (error) {
  exitLike(error)
}
