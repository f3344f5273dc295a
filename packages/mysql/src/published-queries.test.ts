import {
  describeEachProduct,
  describePublishedQueries,
  type MysqlCluster,
  RecordedQueries,
} from '@connmgr/testing'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/mysql2'
import mysql2 from 'mysql2'
import type { MysqlConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'

/** What `query` and `execute` have in common. */
type ByPromise = (text: string, values?: unknown[]) => Promise<unknown>
type ByCallback = (
  text: string,
  values: unknown[],
  done: (error: unknown, rows: unknown) => void,
) => void

const TEXT = 'select id from items where id > ?'

describeEachProduct('what is published of a server', ({ start }) => {
  let cluster: MysqlCluster

  beforeAll(async () => {
    cluster = await start()
    await cluster.primary.query('create table items (id int primary key) engine=innodb')
    await cluster.primary.query('insert into items values (1), (2), (3)')
  })
  afterAll(() => cluster?.stop())

  const open = (more: object = {}): MysqlConnectionManager =>
    createConnectionManager({ databaseUrl: cluster.primary.url(), logger: false, ...more })

  describe.each(['query', 'execute'] as const)('%s', (kind) => {
    describePublishedQueries(`pool.promise().${kind}`, () => {
      const manager = open()
      const pool = manager.pool.promise() as unknown as Record<typeof kind, ByPromise>
      const transact = (finish: () => void) =>
        manager.transaction(async (connection) => {
          const byPromise = connection.promise() as unknown as Record<typeof kind, ByPromise>
          await byPromise[kind](TEXT, [1])
          await new Promise((resolve, reject) =>
            (connection as unknown as Record<typeof kind, ByCallback>)[kind](
              TEXT,
              [1],
              (error, rows) => (error ? reject(error) : resolve(rows)),
            ),
          )
          finish()
        })
      return {
        manager,
        read: () => pool[kind](TEXT, [1]),
        fail: () => pool[kind]('select no_such_column'),
        transact,
        text: /^select id from items where id > \?$/,
      }
    })

    describePublishedQueries(`${kind} with callbacks, on the pool and on its connections`, () => {
      const manager = open()
      const { pool } = manager
      const run = (on: object, text: string, values: unknown[]) =>
        new Promise((resolve, reject) => {
          const done = (error: unknown, rows: unknown) => (error ? reject(error) : resolve(rows))
          ;(on as Record<typeof kind, ByCallback>)[kind](text, values, done)
        })
      const transact = async (finish: () => void) => {
        const connection = await new Promise<mysql2.PoolConnection>((resolve, reject) =>
          pool.getConnection((error, lent) => (error ? reject(error) : resolve(lent))),
        )
        try {
          await new Promise<void>((resolve, reject) =>
            connection.beginTransaction((error) => (error ? reject(error) : resolve())),
          )
          await run(connection, TEXT, [1])
          await run(connection, TEXT, [1])
          finish()
          await new Promise<void>((resolve) => connection.commit(() => resolve()))
        } catch (error) {
          await new Promise<void>((resolve) => connection.rollback(() => resolve()))
          throw error
        } finally {
          connection.release()
        }
      }
      return {
        manager,
        read: () => run(pool, TEXT, [1]),
        fail: () => run(pool, 'select no_such_column', []),
        transact,
        text: /^select id from items where id > \?$/,
      }
    })
  })

  describePublishedQueries('Drizzle', () => {
    const manager = open()
    const db = drizzle({ client: manager.pool as never })
    const read = (on: Pick<typeof db, 'execute'> = db) =>
      on.execute(sql`select id from items where id > ${1}`)
    const transact = (finish: () => void) =>
      db.transaction(async (tx) => {
        await read(tx)
        await read(tx)
        finish()
      })
    return {
      manager,
      read: () => read(),
      fail: () => db.execute(sql`select no_such_column`),
      transact,
      text: /^select id from items where id > \?$/,
    }
  })

  test('what answers by events ends with its last row, and what cannot be prepared with its error', async () => {
    const manager = open()
    const queries = new RecordedQueries(({ manager: id }) => id === manager.id)
    await new Promise((resolve) =>
      manager.pool.query(TEXT, [0]).on('error', resolve).on('end', resolve),
    )
    await manager.use(
      (connection) =>
        new Promise((resolve) =>
          connection.execute('select no_such', (error: unknown) => resolve(error)),
        ),
    )
    expect(queries.all).toMatchObject([
      { text: TEXT, rowCount: 3, messages: ['start', 'end', 'asyncStart', 'asyncEnd'] },
      { text: 'select no_such', error: { code: 'ER_BAD_FIELD_ERROR' } },
    ])
    queries.stop()
    await manager.close()
  })

  test('DDL ends a transaction, and a deadlock rolls one back', async () => {
    const manager = open()
    const queries = new RecordedQueries(({ manager: id }) => id === manager.id)
    await manager.use(async (connection) => {
      const db = connection.promise()
      await db.query('begin')
      await db.query('create table if not exists others (id int)')
      await db.query('select 1')
    })
    expect(queries.all.map(({ transaction }) => transaction?.boundary)).toEqual([
      'begin',
      'commit',
      undefined,
    ])
    expect(queries.all[2]).not.toHaveProperty('transaction')
    queries.stop()
    await manager.close()
  })

  test('statements of our own pass by `query` of mysql2, which instrumentation wraps', async () => {
    const { Connection: Base } = mysql2 as unknown as { Connection: { prototype: object } }
    const owner = Object.getPrototypeOf(Base.prototype) as {
      query: (...args: unknown[]) => unknown
    }
    const { query } = owner
    const seen: unknown[] = []
    owner.query = function (this: unknown, ...args) {
      const [given] = args as [string | { sql: string }]
      seen.push(typeof given === 'string' ? given : given.sql)
      return query.apply(this, args)
    }
    const manager = open({ prePingBypassMs: 0, failover: { probeIntervalMs: 20 } })
    try {
      await manager.start()
      await manager.checkHealth()
      expect(seen).toEqual([])
      await manager.pool.promise().query('select 42')
      await manager.use((connection) => connection.promise().query('set @x = 1'))
      await manager.checkHealth()
      await manager.transaction((connection) => connection.promise().query('select 43'))
      expect(seen).toEqual(['select 42', 'set @x = 1', 'select 43'])
    } finally {
      owner.query = query
      await manager.close()
    }
  })
})
