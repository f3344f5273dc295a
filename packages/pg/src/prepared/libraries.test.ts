import { eventually, type PostgresCluster, startCluster } from '@connmgr/testing'
import knex, { type Knex } from 'knex'
import { Kysely, PostgresDialect, sql } from 'kysely'
import type pg from 'pg'
import { catalogRead } from '../../test/known-catalog.js'
import type { PgConnectionManager } from '../connection-manager.js'
import { createConnectionManager } from '../create-connection-manager.js'
import type { PgManagerOptions } from '../manager-options.js'

interface Schema {
  item: { id: number; name: string }
}

const RUNS = 20
let cluster: PostgresCluster
let manager: PgConnectionManager

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query(
    `create table item (id int primary key, name text not null);
     insert into item select n, 'item ' || n from generate_series(1, 100) n`,
  )
})
afterAll(() => cluster.stop())
afterEach(() => manager.close({ drainTimeoutMs: 0 }))

async function open(options: PgManagerOptions): Promise<pg.Pool> {
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    poolSize: 2,
    maxOverflow: 0,
    logger: false,
    ...options,
  })
  await catalogRead(manager.pool)
  await eventually(() => manager.getStatementStats().off.length === 0)
  return manager.pool as unknown as pg.Pool
}

/** The texts that the server has prepared on one of the connections. */
async function preparedOnServer(): Promise<string[]> {
  const client = await manager.pool.connect()
  try {
    const { rows } = await client.query(
      "select statement from pg_prepared_statements where name like 'connmgr\\_%'",
    )
    return rows.map(({ statement }) => statement)
  } finally {
    client.release()
  }
}

const kyselyOf = (pool: pg.Pool) => new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) })
const knexOf = (pool: pg.Pool): Knex => knex({ client: 'pg', connectionPool: pool } as Knex.Config)

const KYSELY = async (pool: pg.Pool) => {
  const db = kyselyOf(pool)
  for (let id = 1; id <= RUNS; id += 1) {
    const rows = await db.selectFrom('item').selectAll().where('id', '=', id).execute()
    expect(rows).toEqual([{ id, name: `item ${id}` }])
  }
}
const KNEX = async (pool: pg.Pool) => {
  const db = knexOf(pool)
  for (let id = 1; id <= RUNS; id += 1)
    expect(await db('item').where({ id })).toEqual([{ id, name: `item ${id}` }])
}

describe.each([
  ['Kysely', KYSELY, 'select * from "item" where "id" = $1'],
  ['Knex', KNEX, 'select * from "item" where "id" = $1'],
])('%s', (_library, run, text) => {
  test('has its queries prepared from the fifth on, under no name of its own', async () => {
    const pool = await open({ poolSize: 1 })
    await run(pool)
    const { hits, prepares, statements, texts } = manager.getStatementStats()
    expect({ prepares, statements, texts }).toEqual({ prepares: 1, statements: 1, texts: 1 })
    // The first four are counted, the fifth is prepared, the others run by it.
    expect(hits).toBe(RUNS - 5)
    expect(await preparedOnServer()).toEqual([text])
  })

  test('has none prepared where that is switched off', async () => {
    const pool = await open({ poolSize: 1, preparedStatements: 'off' })
    await run(pool)
    expect(await preparedOnServer()).toEqual([])
  })
})

test('Kysely, which takes a client for every query, reads through prepared lanes with lateBinding', async () => {
  const pool = await open({ shared: { lateBinding: true, lanes: 1 } })
  const before = manager.getPoolMetrics().totalCheckouts
  await KYSELY(pool)
  const db = kyselyOf(pool)
  const rows = await Promise.all(
    Array.from({ length: 60 }, (_each, id) =>
      db
        .selectFrom('item')
        .select('name')
        .where('id', '=', id + 1)
        .executeTakeFirst(),
    ),
  )
  expect(rows.map((row) => row?.name)).toEqual(
    Array.from({ length: 60 }, (_each, id) => `item ${id + 1}`),
  )
  expect(manager.getPoolMetrics().totalCheckouts - before).toBeLessThan(RUNS + 60)
  expect(manager.getStatementStats().hits).toBeGreaterThan(RUNS)
})

test('transactions of Kysely and Knex hold together with lateBinding', async () => {
  const pool = await open({ shared: { lateBinding: true } })
  const [kysely, knexed] = [kyselyOf(pool), knexOf(pool)]
  await expect(
    kysely.transaction().execute(async (trx) => {
      await trx.insertInto('item').values({ id: 1001, name: 'undone' }).execute()
      const { rows } = await sql<{
        n: number
      }>`select count(*)::int as n from item where id = 1001`.execute(trx)
      expect(rows).toEqual([{ n: 1 }])
      throw new Error('second thoughts')
    }),
  ).rejects.toThrow('second thoughts')
  await knexed.transaction(async (trx) => {
    await trx('item').insert({ id: 1002, name: 'kept' })
    expect(await trx('item').where({ id: 1002 })).toHaveLength(1)
  })
  const left = await kysely.selectFrom('item').select('id').where('id', '>', 1000).execute()
  expect(left).toEqual([{ id: 1002 }])
  await knexed('item').where({ id: 1002 }).delete()
})
