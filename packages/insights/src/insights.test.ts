import { createServer, get, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { type PostgresCluster, patient, startCluster } from '@connmgr/testing'
import { lineOf } from '../test/planted.js'
import { expectNoNPlusOne, type Insights, insights } from './index.js'

const SECRET = 'rosebud'

let cluster: PostgresCluster
let manager: PgConnectionManager
let watched: Insights

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query('create table items (id int primary key, name text, parent int)')
  await cluster.primary.query(
    `insert into items select n, 'item ' || n, n % 10 from generate_series(1, 5000) n; analyze items`,
  )
})
afterAll(() => cluster.stop())
beforeEach(() => {
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    logger: false,
    name: 'shop',
  })
})
afterEach(async () => {
  await watched?.close()
  await manager.close({ drainTimeoutMs: 0 })
})

describe('an application with an HTTP server', () => {
  let server: Server

  afterEach(() => new Promise((resolve) => server.close(resolve)))

  /** Twenty endpoints that are healthy, each with its own statements, and one that is not. */
  async function serve(): Promise<(path: string) => Promise<void>> {
    const { pool } = manager
    const endpoints: Record<string, () => Promise<unknown>> = {
      '/pages': async () => {
        for (let last = 0; last < 1200; last += 200)
          await pool.query('select * from items where id > $1 order by id limit 200', [last])
      },
      '/import': async () => {
        for (let n = 0; n < 12; n += 1)
          await pool.query('insert into items (id) values ($1), ($2) on conflict do nothing', [
            n,
            n + 1,
          ])
      },
      '/jobs': async () => {
        for (let n = 0; n < 12; n += 1)
          await pool.query('select id from items where id = $1 for update skip locked', [n])
      },
      '/transfer': async () =>
        manager.transaction(async (client) => {
          await client.query('update items set name = $1 where id = 1', ['x'])
          await client.query('update items set name = $1 where id = 2', ['y'])
        }),
      '/sick': async () => {
        const { rows } = await pool.query('select id from items where parent = 3 limit 20')
        for (const { id } of rows) await pool.query('select name from items where id = $1', [id]) // MARK: sick
      },
    }
    for (let n = 0; n < 16; n += 1)
      endpoints[`/list-${n}`] = async () => {
        await pool.query(`select id as a${n} from items where parent = $1 limit 20`, [n])
        await pool.query(`select count(*) as b${n} from items where id < $1`, [n])
      }
    server = createServer(async (request, response) => {
      // Each request asks who is there, on one line.
      await pool.query('select name from items where name = $1', [SECRET])
      await endpoints[request.url ?? '']?.()
      response.end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    return (path) =>
      new Promise((resolve, reject) => {
        get({ port, path, host: '127.0.0.1' }, (response) =>
          response.resume().on('end', resolve),
        ).on('error', reject)
      })
  }

  const HEALTHY = ['/pages', '/import', '/jobs', '/transfer'].concat(
    Array.from({ length: 16 }, (_each, n) => `/list-${n}`),
  )

  test('gets no verdict while it is healthy, and one for the sick line alone', async () => {
    watched = insights(manager, { heldIdleMs: patient(1000), slowMs: patient(5000) })
    const call = await serve()
    let next = 0
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let done = 0; done < 25; done += 1) await call(HEALTHY[next++ % 20] as string)
      }),
    )
    expect(watched.nPlusOne()).toEqual([])
    expect(watched.heldIdle()).toEqual([])
    expect(watched.blocking()).toEqual([])
    expect(watched.slow()).toEqual([])
    await Promise.all([call('/sick'), call('/sick'), call('/list-1')])
    expect(watched.nPlusOne()).toMatchObject([
      {
        site: { file: __filename, line: lineOf(__filename, 'sick') },
        maxRepeats: 20,
        contexts: 2,
        evidence: 'request',
        parent: { text: 'select id from items where parent = ? limit ?' },
      },
    ])
    for (const format of ['text', 'json', 'html'] as const)
      expect(watched.report({ format })).not.toContain(SECRET)
    expect(watched.report()).toContain('N+1')
  })

  test('is checked by expectNoNPlusOne through its requests', async () => {
    const call = await serve()
    await expectNoNPlusOne(() => call('/list-2'))
    await expect(expectNoNPlusOne(() => call('/sick'))).rejects.toThrow(
      `20 times at /sick (${__filename}:${lineOf(__filename, 'sick')})`,
    )
  })
})

test('transactions are counted by where they began, with their statements and their end', async () => {
  watched = insights(manager)
  const transfer = () =>
    manager.transaction(async (client) => {
      await client.query('select 1')
      await client.query('select 2')
    })
  await transfer()
  await transfer()
  await expect(
    manager.transaction(async () => {
      throw new Error('no')
    }),
  ).rejects.toThrow('no')
  const all = watched.transactions()
  expect(all).toHaveLength(2)
  expect(all).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ count: 2, committed: 2, rolledBack: 0, meanStatements: 2 }),
      expect.objectContaining({ count: 1, committed: 0, rolledBack: 1, maxStatements: 0 }),
    ]),
  )
  for (const { site } of all) expect(site?.file).toBe(__filename)
})

test('counts agree with those of the server, and slow samples are without values', async () => {
  watched = insights(manager, { slowMs: 20 })
  for (let n = 0; n < 30; n += 1)
    await manager.pool.query('select name from items where id = $1', [n + 1])
  await manager.pool.query(`select pg_sleep(0.05), '${SECRET}'`)
  await expect(manager.pool.query(`select '${SECRET}'::int`)).rejects.toThrow()
  const { statements, totals } = watched.snapshot()
  expect(totals).toMatchObject({ statements: 32, errors: 1, rows: 31 })
  expect(statements.find(({ text }) => text.startsWith('select name'))).toMatchObject({
    calls: 30,
    rows: 30,
    kind: 'read',
    tables: ['items'],
  })
  expect(watched.slow().find(({ text }) => text.includes('pg_sleep'))).toMatchObject({
    text: 'select pg_sleep(?), ?',
    rowCount: 1,
    site: { file: __filename },
  })
  expect(JSON.stringify(watched.snapshot())).not.toContain(SECRET)
})

test('plans: a full scan is found, and a plan that changes is noticed', async () => {
  watched = insights(manager, { plans: true })
  const ask = () =>
    manager.pool.query('select name from items where parent = $1 and id > 4990', [3])
  await ask()
  await watched.refresh()
  const [before] = watched.snapshot().plans
  expect(before?.shape).toContain('items')
  await cluster.primary.query('alter table items drop constraint items_pkey')
  await ask()
  await watched.refresh()
  const { planChanges, plans } = watched.snapshot()
  expect(plans[0]).toMatchObject({
    shape: 'Seq Scan items',
    sequentialScans: [{ relation: 'items', schema: 'public' }],
  })
  expect(plans[0]?.sequentialScans[0]?.filter).toMatch(/parent/)
  expect(plans[0]?.sequentialScans[0]?.filter).not.toContain('4990')
  expect(watched.recommendations()).toEqual(
    expect.arrayContaining([expect.objectContaining({ code: 'plan-regression' })]),
  )
  expect(planChanges).toMatchObject([
    { from: { hash: before?.hash }, to: { hash: plans[0]?.hash } },
  ])
  await cluster.primary.query('alter table items add primary key (id)')
})

test('reset forgets, pause and close stop, and a manager that closes closes its insights', async () => {
  watched = insights(manager)
  await manager.pool.query('select name from items')
  expect(watched.top()).toHaveLength(1)
  watched.reset()
  expect(watched.top()).toEqual([])
  watched.pause()
  await manager.pool.query('select name from items')
  expect(watched.top()).toEqual([])
  watched.resume()
  await manager.pool.query('select name from items')
  expect(watched.top()).toMatchObject([{ calls: 1 }])
  await manager.close()
  await watched.close()
  expect(watched.top()).toMatchObject([{ calls: 1 }])
})

test.each([
  [{ slowMs: -1 }, 'slowMs'],
  [{ maxFingerprints: 0.5 }, 'maxFingerprints'],
  [{ nPlusOne: { threshold: 1 } }, 'nPlusOne.threshold'],
  [{ heldIdleMs: 'x' }, 'heldIdleMs'],
  [{ plans: 1 }, 'plans'],
  [{ sampleRate: 2 }, 'sampleRate'],
  [{ blockingMs: true }, 'blockingMs'],
  [{ slowms: 1 }, 'slowMs'],
])('refuses %j by naming the option', (options, name) => {
  expect(() => insights(manager, options as never)).toThrow(name)
  expect(() => insights(manager, options as never)).toThrow(
    expect.objectContaining({ code: 'CONNMGR_INVALID_OPTION' }),
  )
})
