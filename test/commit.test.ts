import { inspect } from 'node:util'
import { eventually, type PostgresCluster, startCluster } from '@connmgr/testing'
import { type Access, ADAPTERS } from './adapters.js'

let cluster: PostgresCluster
let access: Access

beforeAll(async () => {
  cluster = await startCluster()
  // A row named 'slow' is inserted at once, and then takes a minute to commit.
  await cluster.primary.query(`
    create table orders (name text);
    create function dawdle() returns trigger language plpgsql as $$
      begin perform pg_sleep(60); return null; end $$;
    create constraint trigger dawdle after insert on orders deferrable initially deferred
      for each row when (new.name = 'slow') execute function dawdle()`)
})
afterEach(() => access.close())
afterAll(() => cluster.stop())

const kill = (pid: unknown) => cluster.primary.query('select pg_terminate_backend($1)', [pid])
const countOrders = async () => (await cluster.primary.query('select 1 from orders')).length

describe.each(Object.keys(ADAPTERS))('through %s', (name) => {
  beforeEach(async () => {
    access = await (ADAPTERS[name] as (typeof ADAPTERS)[string])({
      databaseUrl: cluster.primary.url(),
      logger: false,
    })
  })

  test('a COMMIT that is cut off fails as unknown', async () => {
    const committing = access.transaction(async (query) => {
      await query(`insert into orders values ('slow')`)
    })
    const rejected = expect(committing).rejects.toMatchObject({
      code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN',
    })
    let pid: unknown
    await eventually(async () => {
      const [session] = await cluster.primary.query<{ pid: number }>(
        `select pid from pg_stat_activity where query ilike 'commit' and state = 'active'`,
      )
      pid = session?.pid
      return session !== undefined
    })
    await kill(pid)
    await rejected
    expect(access.connections.getPoolMetrics().checkedOut).toBe(0)
  })

  test('a COMMIT that could not even be sent has committed nothing, and says so', async () => {
    const lost = new Promise<void>((resolve) => {
      access.connections.on('connectionClosed', () => resolve())
    })
    const committing = access.transaction(async (query) => {
      await query(`insert into orders values ('quick')`)
      const [session] = (await query('select pg_backend_pid() as pid')) as { pid: number }[]
      await kill(session?.pid)
      await lost
    })
    await expect(committing).rejects.toMatchObject({ code: 'CONNMGR_CONNECTION_LOST' })
    expect(await countOrders()).toBe(0)
    expect(access.connections.getPoolMetrics().checkedOut).toBe(0)
  })

  test('a COMMIT that the server refuses is its own error', async () => {
    await cluster.primary.query(`
      create table if not exists parents (id int primary key);
      create table if not exists children (parent int references parents deferrable initially deferred)`)
    const committing = access.transaction(async (query) => {
      await query('insert into children values (99)')
    })
    const error: unknown = await committing.catch((reason: unknown) => reason)
    expect(inspect(error)).toContain('children_parent_fkey')
    expect(inspect(error)).not.toContain('CONNMGR')
  })

  test('a COMMIT of what had failed has committed nothing, and says so', async () => {
    await cluster.primary.query('truncate orders')
    const committing = access.transaction(async (query) => {
      await query(`insert into orders values ('quick')`)
      await query('select 1 / 0').catch(() => {})
    })
    await expect(committing).rejects.toMatchObject({ code: 'CONNMGR_TRANSACTION_ROLLED_BACK' })
    expect(await countOrders()).toBe(0)
  })

  test('nor does a COMMIT after the work has rolled back by itself pass for one', async () => {
    await cluster.primary.query('truncate orders')
    const committing = access.transaction(async (query) => {
      await query(`insert into orders values ('quick')`)
      await query('rollback')
    })
    await expect(committing).rejects.toMatchObject({ code: 'CONNMGR_TRANSACTION_ROLLED_BACK' })
    expect(await countOrders()).toBe(0)
  })
})
