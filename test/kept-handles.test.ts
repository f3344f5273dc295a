import { type PostgresCluster, startCluster } from '@connmgr/testing'
import { getConnections, withConnectionManager } from '@connmgr/typeorm'
import type { Client } from 'pg'
import { DataSource } from 'typeorm'
import { type Access, ADAPTERS } from './adapters.js'

let cluster: PostgresCluster

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query('create table orders (name text)')
})
afterEach(() => cluster.primary.query('truncate orders'))
afterAll(() => cluster.stop())

// One connection, so that the next caller has that of the last.
const options = () => ({
  databaseUrl: cluster.primary.url(),
  poolSize: 1,
  maxOverflow: 0,
  logger: false as const,
})
const orders = () => cluster.primary.query('select name from orders')
const insert = (name: string): string => `insert into orders values ('${name}')`

describe.each(Object.keys(ADAPTERS))('through %s', (name) => {
  let access: Access

  beforeEach(async () => {
    access = await (ADAPTERS[name] as (typeof ADAPTERS)[string])(options())
  })
  afterEach(() => access.close())

  test.each(['committed', 'rolled back'])(
    'what is kept of a transaction that was %s never reaches the next one',
    async (end) => {
      let kept: ((text: string) => Promise<unknown[]>) | undefined
      await access
        .transaction(async (query) => {
          kept = query
          await query('select 1')
          if (end === 'rolled back') throw new Error('no')
        })
        .catch(() => {})
      await access.connections.transaction(async (client) => {
        await client.query(insert('next'))
        await expect(kept?.(insert('kept'))).rejects.toThrow()
        await expect(kept?.('rollback')).rejects.toThrow()
      })
      expect(await orders()).toEqual([{ name: 'next' }])
      expect(access.connections.getPoolMetrics()).toMatchObject({ checkedIn: 1, checkedOut: 0 })
    },
  )
})

test('the client under a query runner of TypeORM is refused once the runner is released', async () => {
  const dataSource = await new DataSource(
    withConnectionManager({ type: 'postgres' }, options()),
  ).initialize()
  const runner = dataSource.createQueryRunner()
  const kept = (await runner.connect()) as Client
  await kept.query('select 1')
  await runner.release()
  await getConnections(dataSource).transaction(async (client) => {
    await client.query(insert('next'))
    await expect(kept.query(insert('kept'))).rejects.toMatchObject({
      code: 'CONNMGR_LEASE_RELEASED',
    })
    await expect(runner.query(insert('kept'))).rejects.toThrow()
  })
  expect(await orders()).toEqual([{ name: 'next' }])
  await dataSource.destroy()
})

test('notifications and notices of every connection are logged as logNotifications of TypeORM asks', async () => {
  const logged: unknown[] = []
  const logger = {
    logQuery() {},
    logQueryError() {},
    logQuerySlow() {},
    logSchemaBuild() {},
    logMigration() {},
    log: (_level: string, message: unknown) => logged.push(message),
  }
  const dataSource = await new DataSource(
    withConnectionManager({ type: 'postgres', logNotifications: true, logger }, options()),
  ).initialize()
  const raise = (what: string) =>
    dataSource.query(`do $$ begin raise notice '${what}'; end $$`) as Promise<unknown>
  await raise('first')
  const lease = await getConnections(dataSource).acquire()
  lease.destroy()
  await raise('second')
  expect(logged).toEqual(['first', 'second'])
  await dataSource.destroy()
})
