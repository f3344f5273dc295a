import {
  eventually,
  type PostgresCluster,
  type PostgresNode,
  patient,
  startCluster,
} from '@connmgr/testing'
import { Client } from 'pg'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'
import { PgProbe } from './probe.js'
import { Session } from './session.js'

/** Everything by which a role learns a timeline or an identity. */
const CONTROL = [
  'pg_control_system()',
  'pg_control_checkpoint()',
  'pg_control_recovery()',
  'pg_control_init()',
]
const TIMELINE = [...CONTROL, 'pg_walfile_name(pg_lsn)', 'pg_stat_get_wal_receiver()']

let cluster: PostgresCluster
let manager: PgConnectionManager | undefined

afterEach(async () => {
  await manager?.close({ drainTimeoutMs: patient(1000) })
  manager = undefined
  await cluster.stop()
})

async function start(standbys: number, revoked: readonly string[]): Promise<PostgresNode[]> {
  cluster = await startCluster({ standbys, synchronous: standbys > 0 })
  await cluster.primary.query('create role app login')
  await cluster.primary.query('create table notes (n int); grant all on notes to app')
  for (const each of revoked)
    await cluster.primary.query(`revoke execute on function ${each} from public`)
  return [...cluster.nodes]
}

function manage(nodes: readonly PostgresNode[], more: object = {}): PgConnectionManager {
  const [databaseUrl, ...failoverUrls] = nodes.map((node) => node.url({ user: 'app' }))
  manager = createConnectionManager({
    databaseUrl: databaseUrl as string,
    failoverUrls,
    logger: false,
    failover: { probeIntervalMs: 50, fastProbeIntervalMs: 20 },
    ...more,
  })
  return manager
}

const statusOf = (node: PostgresNode) =>
  manager?.getFailoverStatus().endpoints.find((each) => each.port === node.port)

/** `b` is promoted after `a` was lost, and lost itself; then `a` is back, and knows nothing of it. */
async function promoteAndLose(a: PostgresNode, b: PostgresNode): Promise<void> {
  await a.crash()
  await b.promote()
  await eventually(() => statusOf(b)?.active === true)
  await manager?.pool.query('insert into notes values (1)')
  await b.crash()
  await eventually(() => statusOf(b)?.state === 'DOWN')
  await a.start()
}

async function refusesWrites(): Promise<void> {
  const refused = manager?.acquire({ timeoutMs: patient(1000) }).then((lease) => lease.release())
  await expect(refused).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_TIMEOUT' })
}

test('without the control functions the timeline is still known: an old primary stays fenced', async () => {
  const [a, b] = (await start(1, CONTROL)) as [PostgresNode, PostgresNode]
  const reported: unknown[] = []
  manage([a, b]).on('rightsMissing', (event) => reported.push(event))
  await manager?.start()
  expect(reported).toHaveLength(2)
  expect(reported).toContainEqual(
    expect.objectContaining({
      missing: [
        {
          name: 'pg_control_system()',
          turnsOff: expect.stringContaining('identity of the cluster'),
        },
      ],
    }),
  )
  expect(statusOf(a)?.missingRights).toMatchObject([{ name: 'pg_control_system()' }])
  expect(statusOf(a)?.history).toBe('1')
  await promoteAndLose(a, b)
  await eventually(() => statusOf(a)?.state === 'FENCED')
  await refusesWrites()
})

test('without any function that tells the timeline, what was seen of the promotion fences the old primary', async () => {
  const [a, b] = (await start(1, TIMELINE)) as [PostgresNode, PostgresNode]
  manage([a, b])
  await manager?.start()
  expect(statusOf(a)).toMatchObject({
    active: true,
    missingRights: [
      { name: 'pg_control_system()' },
      { name: 'pg_walfile_name(pg_lsn), pg_current_wal_lsn()' },
      { name: 'pg_control_checkpoint()' },
    ],
  })
  expect(statusOf(a)?.history).toBeUndefined()
  await promoteAndLose(a, b)
  await eventually(() => statusOf(a)?.state === 'FENCED')
  await refusesWrites()
  expect(await a.query('select * from notes')).toEqual([])
  // The one that is ahead is taken again, and a reset accepts the other.
  await b.start()
  await eventually(() => statusOf(b)?.active === true)
  await b.crash()
  await eventually(() => statusOf(b)?.state === 'DOWN')
  await refusesWrites()
  await manager?.reset()
  await eventually(() => statusOf(a)?.active === true)
})

test('a grant heals it without a restart, and a revocation is noticed', async () => {
  const [a] = (await start(0, CONTROL)) as [PostgresNode]
  let now = 0
  const client = new Client({ connectionString: a.url({ user: 'app' }) })
  const session = new Session(client, () => {})
  await client.connect()
  session.open()
  const probe = new PgProbe(session, { now: () => now })
  const check = () => probe.check(new AbortController().signal)
  expect((await check()).missing).toMatchObject([{ name: 'pg_control_system()' }])
  await a.query('grant execute on function pg_control_system() to public')
  expect((await check()).missing).toHaveLength(1)
  now += 10_000
  expect(await check()).toMatchObject({ cluster: expect.any(String), history: '1' })
  expect((await check()).missing).toBeUndefined()
  await a.query('revoke execute on function pg_postmaster_start_time() from public')
  expect(await check()).toMatchObject({
    cluster: expect.any(String),
    history: '1',
    missing: [{ name: 'pg_postmaster_start_time()' }],
  })
  probe.destroy()
})

test('a server without a write-ahead log of its own still tells its role and its identity', async () => {
  const [a] = (await start(0, [])) as [PostgresNode]
  const client = new Client({ connectionString: a.url({ user: 'app' }) })
  const session = new Session(client, () => {})
  await client.connect()
  session.open()
  const ask = session.ask.bind(session)
  let asked = 0
  // As Aurora does.
  session.ask = ((text: string) => {
    asked += 1
    return text.includes('pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn()') ||
      text.includes('name(pg_catalog.pg_current_wal_lsn()')
      ? Promise.reject(Object.assign(new Error('not supported'), { code: '0A000' }))
      : ask(text)
  }) as typeof session.ask
  const probe = new PgProbe(session, { now: () => 0 })
  const check = () => probe.check(new AbortController().signal)
  const expected = { role: 'primary', writable: true, cluster: expect.any(String) }
  const first = await check()
  expect(first).toMatchObject(expected)
  expect(first.history).toBeUndefined()
  expect(first.missing).toContainEqual(
    expect.objectContaining({ name: 'pg_walfile_name(pg_lsn), pg_current_wal_lsn()' }),
  )
  asked = 0
  expect(await check()).toMatchObject(expected)
  expect(asked).toBe(1)
  probe.destroy()
})

test('an error that passes is asked through, and one that stays takes nothing from what is known', async () => {
  const [a] = (await start(0, [])) as [PostgresNode]
  const client = new Client({ connectionString: a.url({ user: 'app' }) })
  const session = new Session(client, () => {})
  await client.connect()
  session.open()
  const ask = session.ask.bind(session)
  const failures: string[] = []
  session.ask = ((text: string) => {
    const code = text.includes('pg_is_in_recovery') ? failures.shift() : undefined
    return code === undefined
      ? ask(text)
      : Promise.reject(Object.assign(new Error('scripted'), { code, severity: 'ERROR' }))
  }) as typeof session.ask
  const probe = new PgProbe(session)
  const check = () => probe.check(new AbortController().signal)
  for (const code of ['57014', '55000', '40001', '55P03']) {
    failures.push(code, code)
    expect(await check()).toMatchObject({ cluster: expect.any(String), history: '1' })
  }
  for (const code of ['53200', 'XX000', ...Array(5).fill('57014')]) failures.push(code)
  await expect(check()).rejects.toMatchObject({ code: '53200' })
  await expect(check()).rejects.toMatchObject({ code: 'XX000' })
  await expect(check()).rejects.toMatchObject({ code: '57014' })
  const after = await check()
  expect(after).toMatchObject({ cluster: expect.any(String), history: '1' })
  expect(after.missing).toBeUndefined()
  probe.destroy()
})
