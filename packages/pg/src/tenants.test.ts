import { ConnectionBudget } from '@connmgr/core'
import {
  eventually,
  findFreePort,
  type PostgresCluster,
  patient,
  type SilentServer,
  startCluster,
  startSilentServer,
} from '@connmgr/testing'
import type { Client } from 'pg'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'
import type { PgManagerOptions } from './manager-options.js'
import { createTenants, type PgTenants, type PgTenantsOptions } from './tenants.js'

const NAMES = ['acme', 'blog', 'cafe', 'dune', 'echo', 'fish', 'golf', 'hill']
const APPLICATION = 'limited'

let cluster: PostgresCluster
let silent: SilentServer
let open: { close(options?: { drainTimeoutMs?: number }): Promise<void> }[] = []

beforeAll(async () => {
  cluster = await startCluster({ standbys: 1 })
  silent = await startSilentServer()
  for (const name of NAMES) await cluster.primary.query(`create database ${name}`)
})
afterAll(() => Promise.all([cluster.stop(), silent.close()]))
afterEach(async () => {
  await Promise.all(open.map((each) => each.close({ drainTimeoutMs: 0 })))
  open = []
  await eventually(async () => (await sessions(APPLICATION)) === 0)
})

const urlOf = (database: string): string => cluster.primary.url({ database })
const optionsOf = (databaseUrl: string): PgManagerOptions => ({
  databaseUrl,
  logger: false,
  poolSize: 3,
  maxOverflow: 3,
  acquireTimeoutMs: patient(30_000),
  clientConfig: { application_name: APPLICATION },
})

function tenantsOf(options: Partial<PgTenantsOptions<string>> = {}): PgTenants<string> {
  const tenants = createTenants({ resolve: (id: string) => optionsOf(urlOf(id)), ...options })
  open.push(tenants)
  return tenants
}

function manage(options: PgManagerOptions): PgConnectionManager {
  const manager = createConnectionManager(options)
  open.push(manager)
  return manager
}

async function sessions(application: string): Promise<number> {
  const rows = await cluster.primary.query(
    'select 1 from pg_stat_activity where application_name = $1',
    [application],
  )
  return rows.length
}

interface Seen {
  readonly database: string
  readonly sessions: number
}
/** A unit of work that says where it is, and how many sessions of ours the server has at that moment. */
async function look(client: Client): Promise<Seen> {
  const { rows } = await client.query<Seen>(
    `select current_database()::text as database,
       (select count(*)::int from pg_stat_activity where application_name = $1) as sessions,
       pg_sleep(0.005)::text as slept`,
    [APPLICATION],
  )
  return rows[0] as Seen
}

describe('tenants of one server', () => {
  test('are all served in databases of their own, with no more sessions on the server than they may have together', async () => {
    const tenants = tenantsOf({ maxConnections: 4 })
    const ids = Array.from({ length: 8 * NAMES.length }, (_, index) => NAMES[index % NAMES.length])
    const seen = await Promise.all(
      (ids as string[]).map((id, index) =>
        index % 3 === 0 ? tenants.transaction(id, look) : tenants.use(id, look),
      ),
    )
    expect(seen.map(({ database }) => database)).toEqual(ids)
    const most = Math.max(...seen.map((each) => each.sessions))
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(4)
    expect(tenants.size).toBe(NAMES.length)
    expect(tenants.budget?.connections).toBeLessThanOrEqual(4)
  })

  test('may be roles that have a schema each', async () => {
    for (const id of ['north', 'south']) {
      await cluster.primary.query(`create role ${id} login`)
      await cluster.primary.query(`create schema ${id} authorization ${id}`)
      await cluster.primary.query(`create table ${id}.note as select '${id}'::text as text`)
      await cluster.primary.query(`alter table ${id}.note owner to ${id}`)
    }
    const tenants = tenantsOf({
      maxConnections: 1,
      resolve: (id) => optionsOf(cluster.primary.url({ user: id })),
    })
    const read = (id: string) =>
      tenants.use(id, async (client) => (await client.query('select text from note')).rows)
    const ids = ['north', 'south', 'north', 'south']
    expect(await Promise.all(ids.map(read))).toEqual(ids.map((text) => [{ text }]))
    await expect(
      tenants.use('north', (client) => client.query('select * from south.note')),
    ).rejects.toMatchObject({ code: '42501' })
  })

  test('that are idle lose their manager and all sessions, and get another when they are used again', async () => {
    const tenants = tenantsOf({ idleMs: 100 })
    const first = await tenants.get('acme')
    await tenants.use('acme', look)
    await tenants.use('blog', look)
    await eventually(() => tenants.size === 0)
    await eventually(async () => (await sessions(APPLICATION)) === 0)
    expect(first.closed).toBe(true)
    expect(await tenants.use('acme', look)).toMatchObject({ database: 'acme' })
  })

  test('whose work goes on are not idle', async () => {
    const tenants = tenantsOf({ idleMs: 50 })
    const slept = await tenants.use('acme', async (client) => {
      await client.query('select pg_sleep(0.5)')
      return look(client)
    })
    expect(slept.database).toBe('acme')
    const held = await (await tenants.get('blog')).acquire()
    await eventually(() => !tenants.ids.includes('acme'))
    expect(tenants.ids).toEqual(['blog'])
    expect(await look(held.connection)).toMatchObject({ database: 'blog' })
    held.release()
  })

  test('get one manager each, however many ask for it at first', async () => {
    const asked: string[] = []
    const tenants = tenantsOf({
      resolve: async (id) => {
        asked.push(id)
        await cluster.primary.query('select pg_sleep(0.05)')
        return optionsOf(urlOf(id))
      },
    })
    const [managers] = await Promise.all([
      Promise.all(Array.from({ length: 20 }, () => tenants.get('acme'))),
      Promise.all(Array.from({ length: 20 }, () => tenants.use('acme', look))),
    ])
    expect(new Set(managers).size).toBe(1)
    expect(asked).toEqual(['acme'])
    expect(tenants.ids).toEqual(['acme'])
  })

  test('whose options cannot be found fail with that reason, alone, and are asked for anew', async () => {
    let known = false
    const tenants = tenantsOf({
      resolve: async (id) => {
        if (id === 'blog' && !known) throw new Error('no such tenant: blog')
        if (id === 'cafe' && !known) return { ...optionsOf(urlOf(id)), poolSize: -1 }
        return optionsOf(urlOf(id))
      },
    })
    const [acme, blog, cafe] = await Promise.allSettled(
      ['acme', 'blog', 'cafe'].map((id) => tenants.use(id, look)),
    )
    expect(acme).toMatchObject({ status: 'fulfilled' })
    expect(blog).toMatchObject({ reason: { message: 'no such tenant: blog' } })
    expect(cafe).toMatchObject({
      reason: { code: 'CONNMGR_INVALID_OPTION', message: expect.stringContaining('poolSize') },
    })
    expect(tenants.ids).toEqual(['acme'])
    known = true
    expect(await tenants.use('blog', look)).toMatchObject({ database: 'blog' })
    expect(await tenants.use('cafe', look)).toMatchObject({ database: 'cafe' })
  })

  test('whose database is missing, or is dropped, fail alone, and are served once it is there', async () => {
    const tenants = tenantsOf({ maxConnections: 2 })
    const refused = { code: 'CONNMGR_CONNECT_FAILED', cause: { code: '3D000' } }
    const all = await Promise.allSettled(
      ['late', 'acme', 'late', 'blog'].map((id) => tenants.use(id, look)),
    )
    expect(all).toMatchObject([
      { status: 'rejected', reason: refused },
      { status: 'fulfilled', value: { database: 'acme' } },
      { status: 'rejected', reason: refused },
      { status: 'fulfilled', value: { database: 'blog' } },
    ])
    await cluster.primary.query('create database late')
    expect(await tenants.use('late', look)).toMatchObject({ database: 'late' })
    await cluster.primary.query('drop database late with (force)')
    // What was there once may be about to be restored, so it is waited for.
    await expect(tenants.use('late', look, { timeoutMs: 500 })).rejects.toMatchObject({
      code: 'CONNMGR_ACQUIRE_TIMEOUT',
      cause: { code: '3D000' },
    })
    expect(await tenants.use('acme', look)).toMatchObject({ database: 'acme' })
    await cluster.primary.query('create database late')
    expect(await tenants.use('late', look)).toMatchObject({ database: 'late' })
    await tenants.remove('late')
    await cluster.primary.query('drop database late')
  })

  test('are served by close what was requested before it, and nothing after it', async () => {
    const tenants = tenantsOf({ maxConnections: 2, drainTimeoutMs: patient(30_000) })
    const ids = [...NAMES, ...NAMES]
    const asked = ids.map((id) => tenants.use(id, look))
    await Promise.all(NAMES.map((id) => tenants.get(id)))
    const closed = tenants.close()
    await expect(tenants.use('acme', look)).rejects.toMatchObject({ code: 'CONNMGR_POOL_CLOSED' })
    expect((await Promise.all(asked)).map(({ database }) => database)).toEqual(ids)
    await closed
    expect(await sessions(APPLICATION)).toBe(0)
  })
})

describe('one budget over several managers', () => {
  test('is the most sessions that the server sees of them, and all callers are served', async () => {
    const budget = new ConnectionBudget({ maxConnections: 3 })
    const managers = NAMES.slice(0, 4).map((name) => manage({ ...optionsOf(urlOf(name)), budget }))
    const seen = await Promise.all(
      Array.from({ length: 10 }, () =>
        managers.flatMap((each) => [
          each.use(look),
          each.pool
            .query<Seen>(
              `select current_database()::text as database, count(*)::int as sessions
               from pg_stat_activity where application_name = $1`,
              [APPLICATION],
            )
            .then(({ rows }) => rows[0] as Seen),
        ]),
      ).flat(),
    )
    expect(seen).toHaveLength(80)
    for (const each of seen) expect(each.sessions).toBeLessThanOrEqual(3)
    expect(budget.connections).toBeLessThanOrEqual(3)
  })

  test('leaves what it has to those whose server answers', async () => {
    const budget = new ConnectionBudget({ maxConnections: 2 })
    const lost = { acquireTimeoutMs: 2000, startTimeoutMs: 2000, connectTimeoutMs: 300, budget }
    const down = [
      manage({ ...optionsOf(`postgres://postgres@127.0.0.1:${await findFreePort()}/a`), ...lost }),
      manage({ ...optionsOf(`postgres://postgres@127.0.0.1:${silent.port}/a`), ...lost }),
    ]
    const failing = down.flatMap((each) =>
      Array.from({ length: 5 }, () => each.use(look).catch((error: unknown) => error)),
    )
    const managers = NAMES.slice(0, 3).map((name) => manage({ ...optionsOf(urlOf(name)), budget }))
    const seen = await Promise.all(
      Array.from({ length: 10 }, () => managers.map((each) => each.use(look))).flat(),
    )
    for (const each of seen) expect(each.sessions).toBeLessThanOrEqual(2)
    for (const error of await Promise.all(failing)) expect(error).toBeInstanceOf(Error)
    // Nothing that failed has kept its place.
    const both = await Promise.all([managers[0]?.acquire(), managers[1]?.acquire()])
    for (const each of both) each?.release()
  })
})

describe('monitoring of one server by many managers', () => {
  const PROBES = 'connmgr-probe'

  test.each([
    ['one server', (): PgManagerOptions => ({ healthMonitoring: { intervalMs: 200 } })],
    ['two servers', (database: string) => ({ failoverUrls: [standbyUrl(database)] })],
  ])('over %s takes as many sessions for one manager as for forty', async (_what, more) => {
    const checked = (manager: PgConnectionManager) =>
      eventually(() => manager.getHealthStats().healthyChecks >= 3)
    const monitored = (name: string) =>
      manage({ databaseUrl: urlOf(name), logger: false, ...more(name) })
    const first = monitored('acme')
    await first.start()
    await checked(first)
    expect(await sessions(PROBES)).toBe(1)
    const others = Array.from({ length: 39 }, (_, index) =>
      monitored(NAMES[index % NAMES.length] as string),
    )
    await Promise.all(others.map((each) => each.start()))
    await Promise.all(others.map(checked))
    expect(await sessions(PROBES)).toBe(1)
    // Also while the one whose connection it was is gone.
    await first.close()
    await Promise.all(others.map((each) => each.checkHealth()))
    expect(await sessions(PROBES)).toBeLessThanOrEqual(1)
    await Promise.all(others.map((each) => each.close()))
    await eventually(async () => (await sessions(PROBES)) === 0)
  })

  const standbyUrl = (database: string): string => cluster.standbys[0]?.url({ database }) ?? ''
})
