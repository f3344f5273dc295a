import { createConnectionManager } from '@connmgr/pg'
import { eventually, type PostgresCluster, startCluster } from '@connmgr/testing'
import { type Access, ADAPTERS } from './adapters.js'

let cluster: PostgresCluster

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())

const sessions = async (database: string): Promise<number> =>
  (await cluster.primary.query('select 1 from pg_stat_activity where datname = $1', [database]))
    .length

test('one manager serves all ORMs in one process, within one limit, and outlives each of them', async () => {
  await cluster.primary.query('create database shared')
  const manager = createConnectionManager({
    databaseUrl: cluster.primary.url({ database: 'shared' }),
    poolSize: 2,
    maxOverflow: 1,
    logger: false,
  })
  let open = 0
  let most = 0
  manager.on('connectionCreated', () => {
    open += 1
    most = Math.max(most, open)
  })
  manager.on('connectionClosed', () => {
    open -= 1
  })
  const all = await Promise.all(Object.values(ADAPTERS).map((adapt) => adapt(manager)))
  for (const each of all) expect(each.connections).toBe(manager)
  await manager.use((client) => client.query('create table notes (n int)'))
  await Promise.all(
    all.flatMap((each, index) =>
      Array.from({ length: 20 }, () => each.query(`insert into notes values (${index})`)),
    ),
  )
  for (const each of all) {
    expect(await each.query('select count(*)::int as n from notes')).toEqual([
      { n: all.length * 20 },
    ])
  }
  expect(most).toBeGreaterThan(0)
  expect(most).toBeLessThanOrEqual(3)
  expect(manager.getPoolMetrics().checkedOut).toBe(0)
  for (const each of all) await each.close()
  expect(manager.closed).toBe(false)
  await manager.close()
  await eventually(async () => (await sessions('shared')) === 0)
})

test.each(Object.keys(ADAPTERS))('two managers under %s do not mix', async (name) => {
  const open = ADAPTERS[name] as (typeof ADAPTERS)[string]
  const databases = [`${name}_one`, `${name}_two`].map((each) => each.toLowerCase())
  const accesses: Access[] = []
  for (const database of databases) {
    await cluster.primary.query(`create database ${database}`)
    accesses.push(
      await open({
        databaseUrl: cluster.primary.url({ database }),
        name: database,
        logger: false,
        leakDetection: { thresholdMs: 1 },
      }),
    )
  }
  const [one, two] = accesses as [Access, Access]
  for (const [index, each] of accesses.entries()) {
    expect(await each.query('select current_database()::text as name')).toEqual([
      { name: databases[index] },
    ])
  }
  const giveBack = await one.leak()
  await eventually(() => one.connections.detectLeaks().length === 1)
  expect(two.connections.detectLeaks()).toEqual([])
  expect(two.connections.getPoolMetrics().checkedOut).toBe(0)
  await giveBack()
  await one.close()
  expect(one.connections.closed).toBe(true)
  expect(await two.query('select 1 as n')).toEqual([{ n: 1 }])
  await two.close()
})
