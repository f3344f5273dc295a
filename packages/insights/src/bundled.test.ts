import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { type PostgresCluster, patient, sourceAliases, startCluster } from '@connmgr/testing'
import { build } from 'esbuild'
import { lineOf } from '../test/planted.js'
import { POSTS_TABLES } from '../test/posts.js'

const PROGRAM = path.join(__dirname, '..', 'test', 'bundled-program.ts')
/** Libraries of TypeORM and node-postgres that are not used. */
const UNUSED = [
  '@connmgr/mysql',
  '@connmgr/sqlite',
  '@google-cloud/spanner',
  '@sap/hana-client',
  'better-sqlite3',
  'ioredis',
  'mongodb',
  'mssql',
  'mysql',
  'mysql2',
  'oracledb',
  'pg-native',
  'pg-query-stream',
  'react-native-sqlite-storage',
  'redis',
  'sql.js',
  'sqlite3',
  'typeorm-aurora-data-api-driver',
]

let cluster: PostgresCluster
let directory: string
beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'connmgr-bundled-'))
  cluster = await startCluster()
  await cluster.primary.query(POSTS_TABLES)
})
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true })
  await cluster.stop()
})

/** What the program prints that is bundled into one file with all packages. */
async function run(
  name: string,
  options: { readonly sourcemap?: boolean; readonly minify?: boolean },
): Promise<{ readonly bundle: string; readonly found: Record<string, unknown> }> {
  const bundle = path.join(directory, name)
  await build({
    ...options,
    entryPoints: [PROGRAM],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    target: 'node20',
    alias: sourceAliases('core', 'pg', 'typeorm'),
    external: UNUSED,
    logLevel: 'silent',
  })
  const flags = options.sourcemap === true ? ['--enable-source-maps'] : []
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, bundle], {
    encoding: 'utf8',
    timeout: patient(30_000),
    env: { ...process.env, DATABASE_URL: cluster.primary.url() },
  })
  return { bundle, found: JSON.parse(stdout) as Record<string, unknown> }
}

function places(file: string, line: (mark: string) => number): Record<string, unknown> {
  return {
    pool: [{ file, line: line('pool') }],
    typeorm: [{ file, line: line('typeorm') }],
    held: [expect.stringContaining(`(${file}:${line('held')}:`)],
  }
}

test.each([
  ['plain', { sourcemap: true }],
  ['minified', { sourcemap: true, minify: true }],
])('a program in one %s file with a source map is named by its sources', async (name, options) => {
  const { found } = await run(`${name}.js`, options)
  expect(found).toEqual(places(PROGRAM, (mark) => lineOf(PROGRAM, mark)))
})

test('without a source map it is named by lines of that file, and not by those of libraries', async () => {
  const { bundle, found } = await run('unmapped.js', {})
  const text = (mark: string): RegExp =>
    ({ pool: /^\s+pool: \(id\) =>/, typeorm: /^\s+typeorm: \(id\) =>/ })[mark] ??
    /const lease = await manager\d*\.acquire\(\);/
  const lines = readFileSync(bundle, 'utf8').split('\n')
  expect(found).toEqual(
    places(bundle, (mark) => lines.findIndex((each) => text(mark).test(each)) + 1),
  )
})
