import type { ConnectionSignal } from '@connmgr/core/driver'
import {
  describeDriver,
  type PostgresCluster,
  startCluster,
  startFaultProxy,
  startSilentServer,
} from '@connmgr/testing'
import type { Client, ClientConfig } from 'pg'
import { PgDriver } from './driver.js'
import { endpointFrom } from './endpoint-config.js'

const endpoint = (connectionString: string, more: ClientConfig = {}) =>
  endpointFrom('url', { ...more, connectionString })
const context = (onSignal: (signal: ConnectionSignal) => void = () => {}) => ({
  signal: new AbortController().signal,
  onSignal,
})

describeDriver<Client>('postgresql', async () => {
  const cluster = await startCluster({ hbaMethod: 'scram-sha-256' })
  const { primary } = cluster
  await primary.query('create table rows (id serial primary key)')
  const proxy = await startFaultProxy({ target: primary })
  const silent = await startSilentServer()
  const through = (port: number, password = 'postgres-secret') =>
    endpoint(
      `postgres://postgres:${password}@127.0.0.1:${port}/postgres?application_name=conformance`,
    )
  return {
    driver: new PgDriver(),
    endpoint: through(proxy.port),
    // A port of the system, which no other test can be given.
    refused: through(1),
    denied: through(proxy.port, 'wrong'),
    silent: { endpoint: through(silent.port), connections: () => silent.connections },
    statements: {
      read: 'select 1',
      readValue: 'select $1::text',
      slow: 'select pg_sleep(0.5)',
      endless: 'select pg_sleep(600)',
      wrong: 'select nonsense',
      insert: 'insert into rows default values',
      set: "set search_path to 'somewhere'",
    },
    query: (client, text, values) => client.query(text, values as unknown[] | undefined),
    countRows: async () =>
      Number((await primary.query<{ n: string }>('select count(*) as n from rows'))[0]?.n),
    hasSetting: async (client) =>
      (await client.query('show search_path')).rows[0].search_path === 'somewhere',
    countSessions: async () => {
      const [row] = await primary.query<{ n: string }>(
        "select count(*) as n from pg_stat_activity where application_name in ('conformance', 'connmgr-probe')",
      )
      return Number(row?.n)
    },
    cut: () => proxy.reset(),
    close: async () => {
      await proxy.close()
      await silent.close()
      await cluster.stop()
    },
  }
})

describe('the PostgreSQL driver', () => {
  let cluster: PostgresCluster
  const driver = new PgDriver()
  const opened: Client[] = []

  beforeAll(async () => {
    cluster = await startCluster({ standbys: 1, synchronous: true })
  })
  afterEach(() => {
    for (const client of opened.splice(0)) driver.destroy(client)
  })
  afterAll(() => cluster.stop())

  async function connect(url = cluster.primary.url(), more: ClientConfig = {}) {
    const signals: ConnectionSignal[] = []
    const client = await driver.connect(
      endpoint(url, more),
      context((signal) => signals.push(signal)),
    )
    opened.push(client)
    return { client, signals }
  }

  test('knows the role of the server from the moment of connecting', async () => {
    expect(driver.replication.role((await connect()).client)).toBe('primary')
    expect(driver.replication.role((await connect(cluster.standbys[0]?.url())).client)).toBe(
      'standby',
    )
  })

  test('a write on a standby is signalled as read-only', async () => {
    const { client, signals } = await connect(cluster.standbys[0]?.url())
    await expect(client.query('create table nope ()')).rejects.toMatchObject({ code: '25006' })
    expect(signals).toMatchObject([{ kind: 'read-only' }])
    expect(driver.classify(signals[0]?.error)).toBe('read-only')
  })

  test('a session that the server ends is signalled as a shutdown, then as lost', async () => {
    const { client, signals } = await connect()
    const { processID } = client as unknown as { processID: number }
    const hanging = client
      .query('select pg_sleep(60)')
      .catch((error: { code?: string }) => error.code)
    await cluster.primary.query('select pg_terminate_backend($1)', [processID])
    expect(await hanging).toBe('CONNMGR_CONNECTION_LOST')
    while (!signals.some((signal) => signal.kind === 'lost')) await new Promise(setImmediate)
    expect(signals.map((signal) => signal.kind)).toEqual(['shutdown', 'lost'])
    expect(driver.inspect(client)).toBe('broken')
  })

  test.each([
    ['of one statement', { text: 'select pg_sleep(60)', query_timeout: 50 }, {}],
    ['of the client', 'select pg_sleep(60)', { query_timeout: 50 }],
  ])(
    'after a client-side timeout %s the connection is broken, and destroying it cancels on the server',
    async (_name, query, config) => {
      const { client } = await connect(undefined, config)
      const { processID } = client as unknown as { processID: number }
      await expect(client.query(query as string)).rejects.toThrow('Query read timeout')
      expect(driver.inspect(client)).toBe('broken')
      driver.destroy(client)
      for (;;) {
        const rows = await cluster.primary.query('select 1 from pg_stat_activity where pid = $1', [
          processID,
        ])
        if (rows.length === 0) break
      }
    },
  )

  test('the timeout is noticed in the callback form too', async () => {
    const { client } = await connect(undefined, { query_timeout: 50 })
    // A manager has it read when it opens a connection.
    await driver.catalogOf(client)?.read()
    const error = await new Promise<Error>((resolve) => {
      client.query('select pg_sleep(60)', (failure: Error) => resolve(failure))
    })
    expect(error).toMatchObject({
      code: 'CONNMGR_CONNECTION_LOST',
      cause: { message: 'Query read timeout' },
    })
    expect(driver.inspect(client)).toBe('broken')
  })

  test('a password function is asked at every connect', async () => {
    let asked = 0
    const password = () => {
      asked += 1
      return Promise.resolve('postgres-secret')
    }
    await using secured = await startCluster({ hbaMethod: 'scram-sha-256' })
    const { port } = secured.primary
    const target = endpointFrom('url', {
      host: '127.0.0.1',
      port,
      user: 'postgres',
      database: 'postgres',
      password,
    })
    for (let i = 0; i < 2; i += 1) driver.destroy(await driver.connect(target, context()))
    expect(asked).toBe(2)
  })

  test('a server without TLS that is asked for it is a matter of setup', async () => {
    const error = await connect(undefined, { ssl: { rejectUnauthorized: false } }).catch(
      (thrown) => thrown,
    )
    expect(error.message).toContain('does not support SSL')
    expect(driver.classify(error)).toBe('setup')
  })

  test('a missing database and a missing role are matters of setup', async () => {
    for (const url of [
      cluster.primary.url({ database: 'nope' }),
      cluster.primary.url({ user: 'nobody_here' }),
    ]) {
      expect(driver.classify(await connect(url).catch((thrown) => thrown))).toBe('setup')
    }
  })

  test('a COMMIT that the server turned into a ROLLBACK rejects', async () => {
    const { client } = await connect()
    await driver.transactions.begin(client, {})
    await client.query('select nonsense').catch(() => {})
    await expect(driver.transactions.commit(client)).rejects.toThrow('rolled back')
    expect(driver.inspect(client)).toBe('clean')
  })

  test('a probe tells role, writability, cluster, timeline, position and start of a server', async () => {
    const standby = cluster.standbys[0] as (typeof cluster.standbys)[number]
    const probes = await Promise.all(
      [cluster.primary, standby].map((node) =>
        driver.replication.openProbe(endpoint(node.url()), context()),
      ),
    )
    try {
      const [primary, replica] = await Promise.all(
        probes.map((probe) => probe.check(new AbortController().signal)),
      )
      expect(primary).toMatchObject({
        role: 'primary',
        writable: true,
        cluster: expect.stringMatching(/^\d+$/),
        history: '1',
        position: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
        startedAt: expect.any(String),
      })
      expect(replica).toMatchObject({
        role: 'standby',
        writable: false,
        cluster: primary?.cluster,
        history: '1',
      })
      expect(replica?.startedAt).not.toBe(primary?.startedAt)
      await cluster.primary.query('create table moved (n int)')
      const later = await probes[0]?.check(new AbortController().signal)
      const before = primary?.position ?? ''
      const after = later?.position ?? ''
      expect(driver.replication.covers(after, before)).toBe(true)
      expect(driver.replication.covers(before, after)).toBe(false)
    } finally {
      for (const probe of probes) probe.destroy()
    }
  })

  test('a primary that refuses writes is not writable', async () => {
    await cluster.primary.query(
      'create role reader login; alter role reader set default_transaction_read_only = on',
    )
    const probe = await driver.replication.openProbe(
      endpoint(cluster.primary.url({ user: 'reader' })),
      context(),
    )
    const result = await probe.check(new AbortController().signal)
    probe.destroy()
    expect(result).toMatchObject({ role: 'primary', writable: false })
  })

  test('a probe whose role may not look asks for less', async () => {
    await cluster.primary.query(
      'create role modest login; revoke execute on function pg_control_system() from public',
    )
    const probe = await driver.replication.openProbe(
      endpoint(cluster.primary.url({ user: 'modest' })),
      context(),
    )
    const result = await probe.check(new AbortController().signal)
    probe.destroy()
    expect(result).toMatchObject({
      role: 'primary',
      writable: true,
      history: '1',
      position: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
      missing: [{ name: 'pg_control_system()' }],
    })
    expect(result.cluster).toBeUndefined()
  })

  // Last, because it changes the cluster.
  test('a promotion shows at once: the role changes and the timeline rises', async () => {
    const standby = cluster.standbys[0] as (typeof cluster.standbys)[number]
    const probe = await driver.replication.openProbe(endpoint(standby.url()), context())
    await cluster.primary.crash()
    await standby.promote()
    const result = await probe.check(new AbortController().signal)
    probe.destroy()
    expect(result).toMatchObject({ role: 'primary', writable: true, history: '2' })
  })
})
