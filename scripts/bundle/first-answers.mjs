// Run in a project that has @connmgr/pg, with DATABASE_URL: asks a few questions in each way in which ORMs do, and fails if
// that has loaded what bundles defer; then fails if what comes later does not find it.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join, sep } from 'node:path'

const [, , how] = process.argv
const require = createRequire(join(process.cwd(), 'package.json'))
// Background work begins after 100 ms, and loads it. On a slow machine that must not come first.
const { setTimeout: later } = globalThis
globalThis.setTimeout = (callback, ms, ...values) =>
  later(callback, ms < 50 ? ms : 3_600_000, ...values)

const deferred = () =>
  Object.keys(require.cache).filter((file) => file.endsWith(`dist${sep}deferred.js`))

const hadNavigator = 'navigator' in globalThis
const { createConnectionManager } =
  how === 'import'
    ? await import(require.resolve('@connmgr/pg').replace(/js$/, 'mjs'))
    : require('@connmgr/pg')
const manager = createConnectionManager({ logger: false })
assert.equal(manager.constructor.name, 'PgConnectionManager', 'a class has lost its name')
const { pool } = manager
for (let id = 0; id < 8; id += 1)
  assert.equal((await pool.query('select $1::int as id', [id])).rows[0].id, id)
const client = await pool.connect()
for (const text of ['begin', 'select 1', 'commit']) await client.query(text)
client.release()
await Promise.all([pool.query('select 2'), pool.query('select 3')])
assert.deepEqual(deferred(), [], 'the first answers of a program load what was to wait')
assert.deepEqual(
  process.moduleLoadList.filter((module) => module.includes('undici')),
  [],
  'the first answers of a program load fetch',
)
assert.equal(
  'navigator' in globalThis,
  hadNavigator,
  'loading has changed the globals of a program',
)

await assert.rejects(pool.query('select no_such_column'), { code: '42703' })
assert.equal(await manager.transaction(async () => 1), 1)
assert.equal((await manager.checkHealth()).healthy, true)
await manager.close()
assert.equal(deferred().length, 2, 'something that was to wait is nowhere')
