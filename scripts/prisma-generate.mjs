// Generates the Prisma client of a schema, without the engine that Prisma would download for it: generating needs
// none, so Node itself stands in. Does nothing if neither the schema nor Prisma has changed.
//
//   node prisma-generate.mjs path/to/schema.prisma
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { ROOT, run } from './run.mjs'

const schema = resolve(process.argv[2] ?? 'schema.prisma')
const output = join(dirname(schema), 'generated')
const stamp = join(output, '.stamp')
const require = createRequire(join(ROOT, 'package.json'))
const { version } = require('prisma/package.json')
const wanted = createHash('sha256').update(version).update(readFileSync(schema)).digest('hex')

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  await run(
    process.execPath,
    [
      join(dirname(require.resolve('prisma/package.json')), 'build', 'index.js'),
      'generate',
      '--schema',
      schema,
    ],
    {
      quiet: true,
      env: {
        PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
        CHECKPOINT_DISABLE: '1',
        PRISMA_HIDE_UPDATE_MESSAGE: '1',
      },
    },
  )
  mkdirSync(output, { recursive: true })
  writeFileSync(stamp, wanted)
}
