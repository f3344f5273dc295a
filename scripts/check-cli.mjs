// Runs the command line as it is built, as a process of its own, against an embedded PostgreSQL server: doctor and check
// of a database that is well, and of one with planted faults.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { ROOT } from './run.mjs'

const PROGRAM = join(ROOT, 'packages', 'cli', 'bin', 'connmgr.cjs')
const { startCluster } = createRequire(join(ROOT, 'package.json'))('@connmgr/testing')

const cluster = await startCluster({ standbys: 1 })
try {
  const { primary, standbys } = cluster
  const servers = ['--url', primary.url(), '--url', standbys[0].url()]
  const well = await connmgr('doctor', '--json', ...servers)
  const { findings, schemaVersion } = JSON.parse(well.stdout)
  assert.equal(well.code, 0, `doctor of a server that is well ended with ${well.code}`)
  assert.equal(schemaVersion, 1)
  assert.deepEqual(
    findings.filter(({ severity }) => severity !== 'advice'),
    [],
  )

  await primary.query('create table parent (id int primary key)')
  await primary.query('create table child (id int primary key, parent_id int references parent)')
  await primary.query('create index child_twice on child (id)')
  await primary.query('create index child_thrice on child (id)')
  const planted = await connmgr('doctor', '--json', '--instances', '20', '--url', primary.url())
  assert.equal(planted.code, 1)
  assert.deepEqual(
    JSON.parse(planted.stdout)
      .findings.filter(({ severity }) => severity !== 'advice')
      .map(({ id }) => id),
    ['connections-exceed-server', 'duplicate-index', 'foreign-key-without-index'],
  )

  const check = await connmgr('check', ...servers)
  assert.equal(check.code, 0)
  assert.match(check.stdout, new RegExp(`primary: 127.0.0.1:${primary.port}/postgres`))
  assert.equal((await connmgr('check', '--url', standbys[0].url())).code, 1)
  assert.equal((await connmgr('doctor', '--url', 'postgres://127.0.0.1:1/postgres')).code, 3)
  assert.equal((await connmgr('doctor', '--no-such-option')).code, 2)
  process.stdout.write((await connmgr('doctor', ...servers)).stdout)
} finally {
  await cluster.stop()
}

async function connmgr(...args) {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = new Promise((resolve) => child.on('exit', resolve))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await exited, stdout, stderr }
}
