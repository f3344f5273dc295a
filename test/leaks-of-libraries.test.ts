import type { LeaseReport } from '@connmgr/core'
import { withConnectionManager as drizzleOver } from '@connmgr/drizzle'
import { createConnectionManager, type ManagedPool, type PgConnectionManager } from '@connmgr/pg'
import { FakeClock, type PostgresCluster, startCluster } from '@connmgr/testing'
import { withConnectionManager as typeormOver } from '@connmgr/typeorm'
import { EntitySchema as MikroEntity, MikroORM, knex as mikroKnex } from '@mikro-orm/postgresql'
import { sql } from 'drizzle-orm'
import { Logger, run } from 'graphile-worker'
import knex, { type Knex } from 'knex'
import { Kysely, PostgresDialect } from 'kysely'
import type { PoolClient } from 'pg'
import PgBoss from 'pg-boss'
import { type Options, Sequelize } from 'sequelize'
import { DataSource } from 'typeorm'

let cluster: PostgresCluster
let manager: PgConnectionManager
let clock: FakeClock
let leaks: LeaseReport[]
const closing: (() => unknown)[] = []

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())

beforeEach(() => {
  clock = new FakeClock()
  leaks = []
  // With the defaults of leak detection: what is tested is the first leak of a fresh app.
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    healthMonitoring: false,
    logger: false,
    clock,
  })
  manager.on('leakDetected', ({ lease }) => leaks.push(lease))
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  const closed = manager.close({ drainTimeoutMs: 0 })
  await clock.advance(5000)
  await closed
})

/** Five minutes are over, and what a manager looks after has been looked at. */
const afterThreshold = () => clock.advance(310_000)
function deferred<T>() {
  let resolve = (_value: T): void => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
const silent = new Logger(() => () => {})
const never = new Promise<never>(() => {})

/** Knex without its own pool: each acquire is one of the manager's. */
function knexOver(pool: ManagedPool, make: typeof knex = knex): Knex {
  type Class = new (config: object) => { acquireConnection(): Promise<PoolClient> }
  const Postgres = (make({ client: 'pg' }).client as object).constructor as Class
  class Managed extends Postgres {
    override acquireConnection(): Promise<PoolClient> {
      return pool.connectFor(Managed.prototype.acquireConnection)
    }
    releaseConnection(client: PoolClient): Promise<void> {
      client.release()
      return Promise.resolve()
    }
  }
  return make({ client: Managed as unknown as typeof Knex.Client, version: '16' })
}

/** Each leaks one connection, in a function of the user's, after a statement. Resolves when it is held. */
const LIBRARIES: Record<string, () => Promise<() => Promise<unknown>>> = {
  pg: async () =>
    async function forgetRelease() {
      const client = await manager.pool.connect()
      await client.query('select 1')
    },
  'pg with a callback': async () =>
    function forgetRelease() {
      return new Promise((resolve) => {
        manager.pool.connect((_error, client) => {
          resolve(client?.query('select 1'))
        })
      })
    },
  TypeORM: async () => {
    const source = new DataSource(typeormOver({ type: 'postgres' }, manager))
    await source.initialize()
    closing.push(() => source.destroy())
    return async function forgetRelease() {
      const runner = source.createQueryRunner()
      await runner.startTransaction()
      await runner.query('select 1')
    }
  },
  'TypeORM, a transaction that never ends': async () => {
    const source = new DataSource(typeormOver({ type: 'postgres' }, manager))
    await source.initialize()
    closing.push(() => source.destroy())
    return function forgetRelease() {
      return new Promise((resolve) => {
        void source.transaction(async (entities) => {
          await entities.query('select 1')
          resolve(undefined)
          await never
        })
      })
    }
  },
  Drizzle: async () => {
    const db = drizzleOver({}, manager)
    return function forgetRelease() {
      return new Promise((resolve) => {
        void db.transaction(async (tx) => {
          await tx.execute(sql`select 1`)
          resolve(undefined)
          await never
        })
      })
    }
  },
  Knex: async () => {
    const db = knexOver(manager.pool)
    return async function forgetRelease() {
      const transaction = await db.transaction()
      await transaction.raw('select 1')
    }
  },
  Kysely: async () => {
    const db = new Kysely<object>({ dialect: new PostgresDialect({ pool: manager.pool }) })
    return async function forgetRelease() {
      const transaction = await db.startTransaction().execute()
      await transaction.executeQuery({ sql: 'select 1', parameters: [] } as never)
    }
  },
  MikroORM: async () => {
    const Thing = new MikroEntity({
      name: 'Thing',
      properties: { id: { type: 'number', primary: true } },
    })
    const orm = await MikroORM.init({
      entities: [Thing],
      driverOptions: knexOver(manager.pool, mikroKnex as unknown as typeof knex),
      dbName: 'postgres',
      debug: false,
    })
    return async function forgetRelease() {
      const em = orm.em.fork()
      await em.begin()
      await em.execute('select 1')
    }
  },
  Sequelize: async () => {
    const db = new Sequelize({
      dialect: 'postgres',
      logging: false,
      databaseVersion: '16.0',
    } as Options)
    Object.assign((db as unknown as { connectionManager: object }).connectionManager, {
      getConnection: function getConnection() {
        return manager.pool.connectFor(getConnection)
      },
      releaseConnection: (client: PoolClient) => client.release(),
    })
    return async function forgetRelease() {
      const transaction = await db.transaction()
      await db.query('select 1', { transaction })
    }
  },
  'a job of graphile-worker': async () => {
    const held = deferred<void>()
    async function forgetRelease() {
      const client = await manager.pool.connect()
      await client.query('select 1')
      held.resolve()
    }
    const runner = await run({
      pgPool: manager.pool,
      noHandleSignals: true,
      taskList: { leak: forgetRelease },
      logger: silent,
    })
    closing.push(() => runner.stop())
    return async () => {
      await runner.addJob('leak', {})
      await held.promise
    }
  },
}

test.each(Object.keys(LIBRARIES))(
  'the first leak through %s names the function, file and line of the user',
  async (name) => {
    const leak = await (LIBRARIES[name] as (typeof LIBRARIES)[string])()
    await leak()
    await afterThreshold()
    expect(leaks).toHaveLength(1)
    // A callback has no name, and of a transaction that is not awaited nothing leads to the function around it.
    expect(leaks[0]?.checkedOutBy).toMatch(
      /^(?:forgetRelease|<anonymous>) \(\S*test\/leaks-of-libraries\.test\.ts:\d+:\d+\)$/,
    )
    expect(leaks[0]?.stack).not.toMatch(/node_modules|node:internal/)
    expect(leaks[0]).toMatchObject({ lastQuery: expect.stringContaining('select 1') })
  },
)

test('the listener of graphile-worker is no leak, as its session listens', async () => {
  const runner = await run({
    pgPool: manager.pool,
    noHandleSignals: true,
    taskList: { nothing: async () => {} },
    logger: silent,
  })
  closing.push(() => runner.stop())
  await afterThreshold()
  expect(leaks).toEqual([])
  expect(manager.getHolders()).toMatchObject([{ longLived: true }])
})

test('pg-boss over a pool holds nothing that could be taken for a leak', async () => {
  const boss = new PgBoss({
    db: { executeSql: (text, values) => manager.pool.query(text, values) },
  })
  await boss.start()
  closing.push(() => boss.stop({ graceful: false }))
  await boss.createQueue('jobs')
  const done = deferred<unknown>()
  await boss.work('jobs', { pollingIntervalSeconds: 0.5 }, async ([job]) => done.resolve(job?.data))
  await boss.send('jobs', { n: 1 })
  expect(await done.promise).toEqual({ n: 1 })
  await afterThreshold()
  expect(leaks).toEqual([])
})
