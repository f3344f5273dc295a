// Generates the Prisma clients of schemas, without the engine that Prisma would download for it: generating needs
// none, so Node itself stands in. Does nothing for a schema if neither it nor Prisma has changed.
//
//   node prisma-generate.mjs [path ...]     of a schema, or of a folder of the repository; without one: all of the repository
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { exitLike, ROOT, runBin } from './run.mjs'

const { version } = createRequire(join(ROOT, 'package.json'))('prisma/package.json')
const given = process.argv.slice(2).map((path) => resolve(path))
const schemas = (given.length > 0 ? given : [ROOT]).flatMap((path) =>
  path.endsWith('.prisma')
    ? [path]
    : allSchemas().filter((file) => !relative(path, file).startsWith('..')),
)

for (const schema of schemas) await generate(schema).catch(exitLike)

function allSchemas() {
  const folders = [
    ...foldersIn('proof').flatMap((folder) => [
      folder,
      ...['mariadb', 'sqlite'].map((database) => join(folder, database)),
    ]),
    ...foldersIn('packages').flatMap((folder) => [
      join(folder, 'test'),
      ...['mariadb', 'sqlite', 'js'].map((variant) => join(folder, 'test', variant)),
    ]),
    ...foldersIn('examples'),
  ]
  return folders.map((folder) => join(folder, 'schema.prisma')).filter((file) => existsSync(file))
}

function foldersIn(name) {
  return readdirSync(join(ROOT, name)).map((entry) => join(ROOT, name, entry))
}

async function generate(schema) {
  const output = join(dirname(schema), 'generated')
  const stamp = join(output, '.stamp')
  const wanted = createHash('sha256').update(version).update(readFileSync(schema)).digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  await runBin('prisma', ['generate', '--schema', schema], {
    quiet: true,
    env: {
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      CHECKPOINT_DISABLE: '1',
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
    },
  })
  mkdirSync(output, { recursive: true })
  writeFileSync(stamp, wanted)
}
