import {
  eventually,
  type FaultProxy,
  type PostgresCluster,
  startCluster,
  startFaultProxy,
} from '@connmgr/testing'
import { Column, DataSource, Entity, type EntityManager, PrimaryColumn } from 'typeorm'
import { catalogRead } from '../../../pg/test/known-catalog.js'
import { replayTransaction } from '../replay-transaction.js'
import { getConnections, withConnectionManager } from '../with-connection-manager.js'

@Entity('item')
class Item {
  @PrimaryColumn('int')
  id!: number

  @Column({ type: 'text', default: '' })
  name!: string
}

let cluster: PostgresCluster
let proxy: FaultProxy
let dataSource: DataSource

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query(`
    create table item (id int primary key, name text not null default '');
    create function dawdle() returns trigger language plpgsql as $$
      begin perform pg_sleep(60); return null; end $$;
    create constraint trigger dawdle after insert on item deferrable initially deferred
      for each row when (new.id = 13) execute function dawdle()`)
})
beforeEach(async () => {
  proxy = await startFaultProxy({ target: cluster.primary })
  dataSource = new DataSource(
    withConnectionManager(
      {
        type: 'postgres',
        url: cluster.primary.url().replace(`:${cluster.primary.port}`, `:${proxy.port}`),
        entities: [Item],
      },
      { logger: false },
    ),
  )
  await dataSource.initialize()
})
afterEach(async () => {
  await terminateSleeping()
  await dataSource.destroy()
  await proxy.close()
  await cluster.primary.query('truncate item')
})
afterAll(() => cluster.stop())

const terminateSleeping = () =>
  cluster.primary.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'",
  )
const sleeping = () =>
  eventually(
    async () =>
      (await cluster.primary.query("select 1 from pg_stat_activity where wait_event = 'PgSleep'"))
        .length > 0,
  )

/** Ends the session of a transaction, between two statements. */
async function endSession(entities: EntityManager): Promise<void> {
  const lost = new Promise<void>((resolve) => {
    const stop = getConnections(dataSource).on('connectionClosed', () => {
      stop()
      resolve()
    })
  })
  const [row] = await entities.query('select pg_backend_pid() as pid')
  await cluster.primary.query('select pg_terminate_backend($1)', [row.pid])
  await lost
}

test('a transaction is run again whose connection is lost under a statement or between two, or that meets a conflict', async () => {
  const attempts: number[] = []
  const result = await replayTransaction(
    dataSource,
    async (entities, attempt) => {
      attempts.push(attempt)
      await entities.insert(Item, { id: attempt })
      if (attempt === 1) {
        const hanging = entities.query('select pg_sleep(60)')
        await Promise.all([hanging, sleeping().then(() => proxy.reset())])
      }
      // TypeORM takes a query runner whose connection is lost for released, and says no more than that.
      if (attempt === 2) await endSession(entities)
      await entities.count(Item)
      if (attempt === 3) await endSession(entities)
      if (attempt === 4)
        await entities.query("do $$ begin raise exception 'no' using errcode = '40001'; end $$")
      return attempt
    },
    { isolation: 'SERIALIZABLE' },
  )
  expect(result).toBe(5)
  expect(attempts).toEqual([1, 2, 3, 4, 5])
  expect(await dataSource.getRepository(Item).find({ select: { id: true } })).toEqual([{ id: 5 }])
})

test('any unit of work is run again whose connection is lost between two statements', async () => {
  const attempts: number[] = []
  await getConnections(dataSource).replay((attempt) =>
    dataSource.transaction(async (entities) => {
      attempts.push(attempt)
      await entities.insert(Item, { id: attempt })
      if (attempt === 1) await endSession(entities)
      await entities.count(Item)
    }),
  )
  expect(attempts).toEqual([1, 2])
  expect(await dataSource.getRepository(Item).find({ select: { id: true } })).toEqual([{ id: 2 }])
})

test('an error of the work is not repeated as its connection was lost while it was idle', async () => {
  for (const replay of ['safe', 'idempotent'] as const) {
    let attempts = 0
    await expect(
      replayTransaction(
        dataSource,
        async (entities) => {
          attempts += 1
          await entities.insert(Item, { id: attempts })
          await endSession(entities)
          throw new Error('sold out')
        },
        { replay },
      ),
    ).rejects.toThrow('sold out')
    expect(attempts).toBe(1)
  }
  expect(await dataSource.getRepository(Item).count()).toBe(0)
  expect(getConnections(dataSource).getCounts().inUse).toBe(0)
})

test('an isolation level that is none does not reach SQL', async () => {
  const isolation = 'SERIALIZABLE; drop table item' as 'SERIALIZABLE'
  await expect(replayTransaction(dataSource, async () => {}, { isolation })).rejects.toThrow()
  expect(await dataSource.getRepository(Item).count()).toBe(0)
})

test('a COMMIT that is cut off is asked for, not repeated', async () => {
  for (const outcome of ['committed', 'unknown'] as const) {
    let attempts = 0
    const settled = replayTransaction(
      dataSource,
      async (entities) => {
        attempts += 1
        await entities.insert(Item, { id: 13 })
        return 'written'
      },
      { outcome: async () => outcome },
    ).catch((error: unknown) => error)
    await sleeping()
    proxy.reset()
    if (outcome === 'committed') expect(await settled).toBe('written')
    else
      expect(await settled).toMatchObject({
        code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN',
        driverError: { code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN', sqlState: '08007' },
      })
    expect(attempts).toBe(1)
    await terminateSleeping()
  }
})

test('a statement by itself keeps its code, and any unit of work can be replayed', async () => {
  const cut = async (running: Promise<unknown>) => {
    const settled = running.catch((error: unknown) => error)
    await sleeping()
    proxy.reset()
    const result = await settled
    await terminateSleeping()
    return result
  }
  expect(await cut(dataSource.query('insert into item select 1 from pg_sleep(60)'))).toMatchObject({
    code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN',
    driverError: { cause: expect.anything() },
  })
  await catalogRead(getConnections(dataSource).pool)
  expect(await cut(dataSource.query('select pg_sleep(60)'))).toMatchObject({
    code: 'CONNMGR_CONNECTION_LOST',
  })
  const connections = getConnections(dataSource)
  const replayed = connections.replay(async (attempt) => {
    await dataSource.query('select pg_sleep(0.3)')
    return attempt
  })
  expect(await cut(replayed)).toBe(2)
  let attempts = 0
  const kept = connections.replay(async () => {
    attempts += 1
    await dataSource.getRepository(Item).insert({ id: 1 })
    await dataSource.query('select pg_sleep(60)')
  })
  expect(await cut(kept)).toMatchObject({ code: 'CONNMGR_CONNECTION_LOST' })
  expect(attempts).toBe(1)
})
