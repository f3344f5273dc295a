import { type PostgresCluster, type PostgresNode, patient } from '@connmgr/testing'
import { startPair } from '../../test/pair.js'
import { runCommand, runJson } from '../../test/run-command.js'
import type { CheckReport } from './command.js'

let cluster: PostgresCluster
let primary: PostgresNode
let standby: PostgresNode

beforeAll(async () => {
  ;({ cluster, primary, standby } = await startPair())
})
afterAll(() => cluster.stop())

const NOWHERE = 'postgres://postgres:hidden-word@127.0.0.1:1/postgres'

async function check(
  urls: readonly string[],
  ...args: string[]
): Promise<{ code: number; report: CheckReport }> {
  const named = urls.flatMap((url) => ['--url', url])
  const outcome = await runJson<CheckReport>(
    'check',
    ...named,
    '--timeout',
    `${patient(5000)}`,
    ...args,
  )
  expect(JSON.stringify(outcome.report)).not.toContain('hidden-word')
  return outcome
}

test('of several servers, says which is the primary', async () => {
  const { code, report } = await check([standby.url(), primary.url()])
  expect(code).toBe(0)
  expect(report).toMatchObject({
    schemaVersion: 1,
    command: 'check',
    ok: true,
    primary: `127.0.0.1:${primary.port}/postgres`,
    servers: [
      { healthy: true, role: 'standby', writable: false, error: null },
      { healthy: true, role: 'primary', writable: true, latencyMs: expect.any(Number) },
    ],
  })
})

test('a standby alone is enough for --role any, and not for a writer', async () => {
  expect((await check([standby.url()])).code).toBe(1)
  expect((await check([standby.url()], '--role', 'any')).code).toBe(0)
})

test('a server that is down matters with --role all', async () => {
  const one = await check([primary.url(), NOWHERE])
  expect(one.code).toBe(0)
  expect(one.report.servers[1]).toMatchObject({
    endpoint: '127.0.0.1:1/postgres',
    healthy: false,
    error: expect.stringContaining('ECONNREFUSED'),
  })
  expect((await check([primary.url(), NOWHERE], '--role', 'all')).code).toBe(1)
  expect((await check([NOWHERE])).code).toBe(3)
})

test('people get a line for each server', async () => {
  const { stdout } = await runCommand(['check', '--url', primary.url(), '--url', NOWHERE])
  expect(stdout).toMatch(/^up {4}127\.0\.0\.1:\d+\/postgres {2}primary, connected in .*\ndown {2}/)
  expect(stdout).toContain(`primary: 127.0.0.1:${primary.port}/postgres`)
})

test('a frozen server is given up at the deadline', async () => {
  await primary.freeze()
  try {
    const { code, stdout } = await runCommand(['check', '--url', primary.url(), '--timeout', '300'])
    expect(code).toBe(3)
    expect(stdout).toContain('--timeout is 300 ms')
  } finally {
    await primary.thaw()
  }
})

// The last one: the cluster is no good afterwards.
test('two servers that take writes are no primary', async () => {
  await standby.promote()
  const { code, report } = await check([primary.url(), standby.url()])
  expect(code).toBe(1)
  expect(report.primary).toBeNull()
  const doctor = await runCommand([
    'doctor',
    '--json',
    '--url',
    primary.url(),
    '--url',
    standby.url(),
  ])
  expect(JSON.parse(doctor.stdout).findings[0]).toMatchObject({
    id: 'several-primaries',
    severity: 'critical',
  })
})
