import { setTimeout as delay } from 'node:timers/promises'
import {
  eventually,
  type PostgresCluster,
  patient,
  startCluster,
  startFaultProxy,
} from '@connmgr/testing'
import pg, { Client } from 'pg'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'
import { PgDriver } from './driver.js'
import { endpointFrom } from './endpoint-config.js'

let cluster: PostgresCluster
const managers: PgConnectionManager[] = []
const context = () => ({ signal: new AbortController().signal, onSignal: () => {} })

beforeAll(async () => {
  cluster = await startCluster({ standbys: 1 })
  const { primary } = cluster
  await primary.query('create role app login; create table notes (n int)')
  await primary.query('grant all on notes to app; create role hurried login')
})
afterEach(async () => {
  for (const each of managers.splice(0)) await each.close({ drainTimeoutMs: patient(1000) })
})
afterAll(() => cluster.stop())

function manage(more: object = {}, user = 'app'): PgConnectionManager {
  const [databaseUrl, ...failoverUrls] = cluster.nodes.map((node) => node.url({ user }))
  const manager = createConnectionManager({
    databaseUrl: databaseUrl as string,
    failoverUrls,
    logger: false,
    prePingBypassMs: 0,
    failover: { probeIntervalMs: 50 },
    ...more,
  })
  managers.push(manager)
  return manager
}

/** What is known of the servers must be right, writes go through, reads follow them, and nothing fails. */
async function worksAsEver(manager: PgConnectionManager): Promise<void> {
  const failed: unknown[] = []
  manager.on('validationFailed', (event) => failed.push(event))
  manager.on('failoverStarted', (event) => failed.push(event))
  let healthyInARow = 0
  let unhealthy: unknown
  manager.on('healthCheckCompleted', (event) => {
    healthyInARow = event.healthy ? healthyInARow + 1 : 0
    if (!event.healthy) unhealthy = event
  })
  await manager.start()
  for (let n = 0; n < 3; n += 1)
    await manager.use((client) => client.query('insert into notes values (1)'))
  expect(await manager.writeToken()).toMatchObject({ history: '1' })
  // On a busy machine a probe may take so long that it counts as failed, and a standby has to prove itself.
  await eventually(
    () => healthyInARow > 8,
    () => `the health checks go on failing: ${JSON.stringify(unhealthy)}`,
  )
  await eventually(() => manager.getFailoverStatus().endpoints.every(({ state }) => state === 'UP'))
  expect(manager.getFailoverStatus()).toMatchObject({
    state: 'STEADY',
    endpoints: [
      { role: 'primary', state: 'UP', history: '1', missingRights: [] },
      { role: 'standby', state: 'UP', missingRights: [] },
    ],
  })
  expect(failed).toEqual([])
}

describe('nothing of what users set reaches our own statements:', () => {
  test.each<[string, object]>([
    ['type parsers of the client', { types: { getTypeParser: () => () => 'parsed' } as never }],
    ['a binary client', { binary: true }],
    ['a schema before pg_catalog', { options: '-c search_path=shadow,pg_catalog,public' }],
    [
      'transactions that are serializable',
      { options: '-c default_transaction_isolation=serializable' },
    ],
  ])('%s', async (_name, clientConfig) => {
    await cluster.primary.query(
      `create schema if not exists shadow; grant usage on schema shadow to app;
       create or replace function shadow.pg_is_in_recovery() returns bool language sql as 'select null::bool';
       create or replace function shadow.pg_current_wal_lsn() returns pg_lsn language sql as 'select null::pg_lsn';
       create or replace function shadow.current_setting(text) returns text language sql as 'select ''on''::text'`,
    )
    await worksAsEver(manage({ clientConfig }))
  })

  test('global type parsers and defaults', async () => {
    const BOOL = 16
    const TEXT = 25
    const original = [BOOL, TEXT].map((oid) => pg.types.getTypeParser(oid, 'text'))
    for (const oid of [BOOL, TEXT]) pg.types.setTypeParser(oid, () => undefined)
    pg.defaults.binary = true
    try {
      await worksAsEver(manage())
    } finally {
      pg.defaults.binary = false
      ;[BOOL, TEXT].forEach((oid, index) => {
        pg.types.setTypeParser(oid, original[index] as (text: string) => unknown)
      })
    }
  })

  test('a query of a class of the user', async () => {
    class Shouting extends Client {
      override query(...args: unknown[]): never {
        const [text] = args
        if (typeof text !== 'string' || !text.startsWith('insert')) throw new Error('not for you')
        return (super.query as (...each: unknown[]) => never)(...args)
      }
    }
    await worksAsEver(manage({ Client: Shouting }))
  })

  test('a prototype that has been patched', async () => {
    const { query } = Client.prototype
    Client.prototype.query = function patched(this: Client, ...args: unknown[]): never {
      const [text] = args
      if (text !== 'insert into notes values (1)') throw new Error('not for you')
      return (query as (...each: unknown[]) => never).apply(this, args)
    } as never
    try {
      await worksAsEver(manage())
    } finally {
      Client.prototype.query = query
    }
  })

  test('a time limit of node-postgres', async () => {
    const driver = new PgDriver()
    await using proxy = await startFaultProxy({ target: cluster.primary })
    const { host, port } = proxy
    const target = { host, port, user: 'app', database: 'postgres', query_timeout: 10 }
    const client = await driver.connect(endpointFrom('test', target), context())
    proxy.latency(50)
    await driver.validate(client)
    expect(driver.inspect(client)).toBe('clean')
    // The engine's transactions are the work of users.
    await expect(driver.transactions.begin(client, {})).rejects.toThrow('Query read timeout')
    expect(driver.inspect(client)).toBe('broken')
    driver.destroy(client)
  })
})

test('time limits of a role do not reach probes, and pings that hit them are signs of life', async () => {
  // Longer than this process may stand still between a login and its first question.
  const idleMs = patient(2500)
  await cluster.primary.query(
    `alter role app set statement_timeout = '1ms'; alter role app set lock_timeout = '1ms';
     alter role app set idle_session_timeout = '${idleMs}ms'; alter role app set idle_in_transaction_session_timeout = '1ms'`,
  )
  try {
    const manager = manage({ failover: { probeIntervalMs: 2 * idleMs } })
    const troubled: unknown[] = []
    const failures: unknown[] = []
    manager.on('healthCheckCompleted', ({ error }) => {
      if (error !== undefined) failures.push(error)
    })
    manager.on('endpointStateChanged', (event) => {
      if (event.to !== 'UP') troubled.push(event)
    })
    await manager.start()
    await eventually(() => manager.getHealthStats().totalChecks > 5)
    expect(failures).toEqual([])
    expect(manager.getFailoverStatus()).toMatchObject({
      endpoints: [{ role: 'primary', history: '1' }, { role: 'standby' }],
    })
    expect(troubled).toEqual([])
  } finally {
    await cluster.primary.query('alter role app reset all')
  }
})

test('a probe that may not ask all it asks leaves no transaction that the server would end', async () => {
  const { primary } = cluster
  await primary.query(
    `revoke execute on function pg_control_system() from public; grant execute on function pg_control_system() to app;
     alter role hurried set idle_in_transaction_session_timeout = '1ms'`,
  )
  await using proxy = await startFaultProxy({ target: primary })
  proxy.latency(20)
  const { host, port } = proxy
  const manager = createConnectionManager({
    databaseUrl: `postgres://hurried@${host}:${port}/postgres`,
    logger: false,
  })
  managers.push(manager)
  const failures: unknown[] = []
  manager.on('healthCheckCompleted', ({ error }) => {
    if (error !== undefined) failures.push(error)
  })
  await manager.start()
  expect(failures).toEqual([])
  expect(manager.getFailoverStatus()).toMatchObject({
    endpoints: [{ role: 'primary', missingRights: [{ name: 'pg_control_system()' }] }],
  })
})

test('time limits of a role do not end who listens', async () => {
  await cluster.primary.query(
    `alter role app set statement_timeout = '1ms'; alter role app set idle_session_timeout = '3s';
     alter role app set idle_in_transaction_session_timeout = '1ms'`,
  )
  try {
    const manager = manage({ prePing: false })
    const received: string[] = []
    const gaps: unknown[] = []
    manager.on('notificationGap', (event) => gaps.push(event))
    await manager.listen('jobs', ({ payload }) => void received.push(payload))
    const sessions = "select 1 from pg_stat_activity where usename = 'app' and query ~* 'listen'"
    // Longer than the session may be idle, in which the server would end it.
    await delay(4000)
    expect(await cluster.primary.query(sessions)).toHaveLength(1)
    await cluster.primary.query("select pg_notify('jobs', 'one')")
    await eventually(() => received.length === 1)
    expect(gaps).toEqual([])
  } finally {
    await cluster.primary.query('alter role app reset all')
  }
})

test.each(['57014', '40001', '42501'])(
  'a ping that the server answers with %s is answered',
  async (code) => {
    const driver = new PgDriver()
    const { host, port } = cluster.primary
    const client = await driver.connect(
      endpointFrom('test', { host, port, user: 'app', database: 'postgres' }),
      context(),
    )
    const queue = client as unknown as { _pulseQueryQueue(): void; connection: { query: unknown } }
    const send = queue.connection.query as (text: string) => void
    // What the server raises instead of running the question.
    queue.connection.query = function raise(this: unknown, text: string) {
      const raised = text.includes('pg_is_in_recovery')
        ? `do $$ begin raise exception using errcode = '${code}'; end $$`
        : text
      send.call(this, raised)
    }
    await driver.validate(client)
    expect(driver.inspect(client)).toBe('clean')
    await expect(client.query("select 'as ever' as n")).resolves.toMatchObject({
      rows: [{ n: 'as ever' }],
    })
    driver.destroy(client)
  },
)

test('a ping in a transaction that has failed is no sign that the connection can be lent', async () => {
  const driver = new PgDriver()
  const { host, port } = cluster.primary
  const client = await driver.connect(
    endpointFrom('test', { host, port, user: 'app', database: 'postgres' }),
    context(),
  )
  await client.query('begin')
  await client.query('select nonsense').catch(() => {})
  await expect(driver.validate(client)).rejects.toMatchObject({ code: '25P02' })
  driver.destroy(client)
})
