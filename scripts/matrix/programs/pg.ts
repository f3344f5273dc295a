import assert from 'node:assert/strict'
import { ConnmgrError, PoolClosedError } from '@connmgr/core'
import { createConnectionManager, ManagedPool, type PgConnectionManager } from '@connmgr/pg'
import pg from 'pg'
import { expectAllReturned, expectNamedLeak, sameType, WATCHFUL } from './expect.js'

const manager = createConnectionManager(WATCHFUL)
sameType<typeof manager, PgConnectionManager>()
// @ts-expect-error it is called poolSize
const misspelt = (): PgConnectionManager => createConnectionManager({ poolsize: 5 })

async function main(): Promise<void> {
  assert(manager.pool instanceof pg.Pool)
  assert.throws(misspelt, { code: 'CONNMGR_INVALID_OPTION' })
  const asPool: pg.Pool = manager.pool
  const { rows } = await asPool.query<{ answer: number }>('select $1::int as answer', [42])
  sameType<typeof rows, { answer: number }[]>()
  assert.deepEqual(rows, [{ answer: 42 }])

  await manager.pool.query('create table items (n int primary key)')
  await manager.transaction((client) => client.query('insert into items values (1)'))
  const failure = new Error('second thoughts')
  await assert.rejects(
    manager.transaction(async (client) => {
      await client.query('insert into items values (2)')
      throw failure
    }),
    failure,
  )
  const items = await manager.use((client) => client.query('select n from items'))
  assert.deepEqual(items.rows, [{ n: 1 }])

  await assert.rejects(manager.pool.query('select nonsense'), { code: '42703' })
  const prepared = { name: 'count items', text: 'select count(*)::int as count from items' }
  for (let time = 1; time <= 3; time += 1)
    assert.deepEqual((await manager.pool.query(prepared)).rows, [{ count: 1 }])

  await returnsNothingDirty()
  await expectNamedLeak(manager, async function forgetful() {
    const client = await manager.pool.connect()
    return () => client.release()
  })
  expectAllReturned(manager)
  await manager.close()
  await assert.rejects(manager.pool.query('select 1'), (error) => {
    assert(error instanceof PoolClosedError && error instanceof ConnmgrError)
    return error.code === 'CONNMGR_POOL_CLOSED'
  })
  await standsInForPool()
}

/** What comes back in a transaction, or with settings of its own, is not lent on so. */
async function returnsNothingDirty(): Promise<void> {
  for (const begin of ['begin', 'begin; select 1/0']) {
    const client = await manager.pool.connect()
    await client.query(begin).catch(() => {})
    client.release()
    const state = 'select now() = statement_timestamp() as outside'
    assert.deepEqual((await manager.pool.query(state)).rows, [{ outside: true }])
  }
}

async function standsInForPool(): Promise<void> {
  const pool: pg.Pool = new ManagedPool({ connectionString: process.env.DATABASE_URL, max: 2 })
  const client = await pool.connect()
  assert(client instanceof pg.Client)
  client.release()
  const selected = await new Promise<unknown[]>((resolve, reject) => {
    pool.query('select 1 as one', (error, result) => (error ? reject(error) : resolve(result.rows)))
  })
  assert.deepEqual(selected, [{ one: 1 }])
  await pool.end()
}

void main()
