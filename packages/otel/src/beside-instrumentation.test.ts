import { spawn } from 'node:child_process'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { createConnectionManager } from '@connmgr/pg'
import { type PostgresCluster, patient, sourceAliases, startCluster } from '@connmgr/testing'
import { build } from 'esbuild'
import { meterProvider } from '../test/collected.js'
import { instrument } from './index.js'

const FOLDER = path.join(__dirname, '..')
const POOL = 'db.client.connection.pool.name'
const STATE = 'db.client.connection.state'
const OPERATION = 'db.client.operation.duration'

interface Point {
  readonly scope: string
  readonly metric: string
  readonly attributes: Readonly<Record<string, unknown>>
  readonly value: number
}

let cluster: PostgresCluster
beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())

/** Runs a program of `test/`, in a process of its own, as instrumentation needs. */
async function runProgram<T>(name: string): Promise<T> {
  const { outputFiles } = await build({
    entryPoints: [path.join(FOLDER, 'test', `${name}.ts`)],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    packages: 'external',
    alias: sourceAliases('core', 'pg', 'otel'),
  })
  const child = spawn(process.execPath, ['-', cluster.primary.url()], {
    cwd: FOLDER,
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: patient(40_000),
  })
  child.stdin.end(outputFiles[0]?.text)
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

test('beside instrumentation-pg nothing is counted twice', async () => {
  const { busy, idle, open } = await runProgram<{ busy: Point[]; idle: Point[]; open: number[] }>(
    'beside-instrumentation',
  )
  const scopes = (metric: string) =>
    new Set(idle.filter((each) => each.metric === metric).map(({ scope }) => scope))
  const ours = new Set(['@connmgr/otel'])
  expect(scopes('db.client.connection.count')).toEqual(ours)
  expect(scopes('db.client.connection.pending_requests')).toEqual(ours)
  expect(scopes(OPERATION)).toEqual(new Set(['@opentelemetry/instrumentation-pg']))
  const sum = (points: Point[], metric: string, attributes: Record<string, unknown> = {}) =>
    points
      .filter((each) => each.metric === metric)
      .filter((each) =>
        Object.entries(attributes).every(([name, value]) => each.attributes[name] === value),
      )
      .reduce((total, { value }) => total + value, 0)
  expect(sum(idle, OPERATION)).toBe(8)
  const count = 'db.client.connection.count'
  const pools = ['shop', 'shop#2']
  const used = pools.map((pool) => sum(busy, count, { [POOL]: pool, [STATE]: 'used' }))
  expect(used).toEqual([1, 2])
  expect(pools.map((pool) => sum(idle, count, { [POOL]: pool }))).toEqual(open)
  const waits = pools.map((pool) => sum(idle, 'db.client.connection.wait_time', { [POOL]: pool }))
  expect(waits).toEqual([5, 6])
})

interface ShownSpan {
  readonly scope: string
  readonly name: string
  readonly parent: string | undefined
  readonly events: readonly string[]
  readonly text: string | undefined
}

test('beside instrumentation-pg no statement has two spans, and waits and transactions are shown all the same', async () => {
  const { messages, spans } = await runProgram<{ messages: string[]; spans: ShownSpan[] }>(
    'spans-beside-instrumentation',
  )
  const of = (scope: string) => spans.filter((each) => each.scope === scope)
  const theirs = of('@opentelemetry/instrumentation-pg').filter(({ text }) => text !== undefined)
  expect(theirs.map(({ parent, text }) => [text, parent])).toEqual([
    ['select 1', 'request'],
    ['select 2', 'request'],
    ['select pg_sleep(0.1)', 'request'],
    ['select 3', 'request'],
  ])
  // What connmgr itself sends for a transaction passes that instrumentation by. On a busy machine a lease that is free is
  // waited for, too, and has a span then.
  const ours = of('@connmgr/otel').filter(({ name }) => name !== 'acquire')
  expect(ours.map(({ name, parent }) => [name, parent])).toEqual([
    ['BEGIN', 'transaction'],
    ['COMMIT', 'transaction'],
    ['transaction', 'request'],
  ])
  const [request] = of('app')
  // On a busy machine those for whom a connection is opened wait, too.
  expect([...new Set(request?.events)]).toEqual(['connmgr.waited'])
  expect(messages.filter((each) => each.includes('instrumented already'))).toHaveLength(1)
})

test('statements of PostgreSQL are measured without it, by server and by the code of their errors', async () => {
  const { collect, provider } = meterProvider()
  const manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    logger: false,
  })
  const stop = instrument(manager, { meterProvider: provider, operationDuration: true })
  for (let n = 0; n < 4; n += 1) await manager.pool.query('select $1::int', [n])
  await manager.transaction((client) => client.query('select 2'))
  await expect(manager.pool.query('select 1 / 0')).rejects.toThrow()
  const collected = await collect()
  const server = { 'db.system.name': 'postgresql', 'server.port': cluster.primary.port }
  // Begin and commit are statements too.
  expect(collected.value(OPERATION, server)).toBe(8)
  expect(collected.value(OPERATION, { ...server, 'error.type': '22012' })).toBe(1)
  expect(JSON.stringify(collected)).not.toMatch(/select/)
  stop()
  await manager.close()
})
