// Run in a project that has @connmgr/pg, with DATABASE_URL: a test file of Jest that leaves a pool open fails neither itself
// nor another, as with pg.Pool. Jest refuses what is loaded once a test file has ended, and takes apart what it has put on
// the global object.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const jest = createRequire(import.meta.url).resolve('jest/bin/jest')
const folder = join(process.cwd(), 'left-open')
mkdirSync(folder)
writeFileSync(
  join(folder, 'leaves-open.cjs'),
  `test('a pool answers', async () => {
    const { ManagedPool } = require('@connmgr/pg')
    const pool = new ManagedPool({ connectionString: process.env.DATABASE_URL, idleTimeoutMillis: 1500 })
    jest.resetModules()
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })`,
)
writeFileSync(
  join(folder, 'jest.config.json'),
  JSON.stringify({
    testEnvironment: 'node',
    testMatch: ['**/*.cjs'],
    transform: {},
    watchman: false,
  }),
)
const { status, stderr } = spawnSync(process.execPath, [jest, '--runInBand', '--no-cache'], {
  cwd: folder,
  encoding: 'utf8',
  timeout: 60_000,
})
assert.match(stderr, /1 passed/, stderr)
assert.equal(status, 0, stderr)
