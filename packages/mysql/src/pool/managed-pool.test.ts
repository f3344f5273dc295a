import { once } from 'node:events'
import { inspect } from 'node:util'
import {
  describeEachProduct,
  eventually,
  type MysqlCluster,
  Opened,
  patient,
  SERVER_STATUS,
} from '@connmgr/testing'
import {
  type Connection,
  type Pool,
  type PoolConnection,
  type QueryOptions,
  type ResultSetHeader,
  raw,
} from 'mysql2'
import { ask, borrow, end } from '../../test/asking.js'
import { createConnectionManager, createPool, createPoolCluster, ManagedPool } from '../index.js'

describeEachProduct('a managed pool of mysql2', ({ start }) => {
  let cluster: MysqlCluster
  const opened = new Opened()

  beforeAll(async () => {
    cluster = await start()
    await cluster.primary.query('create table numbers (n int primary key, name varchar(20))')
    await cluster.primary.query("insert into numbers values (1, 'one'), (2, 'two'), (3, 'three')")
  })
  afterEach(() => opened.close())
  afterAll(() => cluster?.stop())

  const open = (config: object = {}): ManagedPool => {
    const pool = new ManagedPool({
      uri: cluster.primary.url({ user: 'app' }),
      logger: false,
      ...config,
    })
    opened.add(pool.$connections)
    return pool
  }
  const asPool = (pool: ManagedPool): Pool => pool as unknown as Pool
  /** By the status that the server puts into its answers. */
  const isInTransaction = async (pool: ManagedPool): Promise<boolean> => {
    const [done] = await pool.promise().query<ResultSetHeader>('do 0')
    return (Number(done.serverStatus) & SERVER_STATUS.IN_TRANSACTION) !== 0
  }

  test('answers by callback, with rows and fields', async () => {
    const pool = asPool(open())
    const [rows, fields] = await new Promise<[unknown, { name: string }[]]>((resolve, reject) => {
      pool.query('select n, name from numbers where n = ?', [2], (error, found, columns) =>
        error ? reject(error) : resolve([found, columns]),
      )
    })
    expect(rows).toEqual([{ n: 2, name: 'two' }])
    expect(fields.map((each) => each.name)).toEqual(['n', 'name'])
    await new Promise<void>((resolve, reject) => {
      pool.execute('select ? as a', ['x'], (error, found) => {
        expect(found).toEqual([{ a: 'x' }])
        if (error) reject(error)
        else resolve()
      })
    })
  })

  test('answers by promises, from the pool and from its connections', async () => {
    const pool = open().promise()
    const [rows] = await pool.query('select name from numbers where n = ?', [3])
    expect(rows).toEqual([{ name: 'three' }])
    const [prepared] = await pool.execute({ sql: 'select ? as a', rowsAsArray: true }, [5])
    expect(prepared).toEqual([[5]])
    const connection = await pool.getConnection()
    await connection.beginTransaction()
    await connection.query('insert into numbers values (9, "nine")')
    await connection.rollback()
    const [left] = await connection.execute('select count(*) as count from numbers where n = 9')
    expect(left).toEqual([{ count: 0 }])
    connection.release()
    await expect(connection.query('select 1')).rejects.toMatchObject({
      code: 'CONNMGR_LEASE_RELEASED',
    })
    await expect(pool.query('select nonsense')).rejects.toMatchObject({
      errno: 1054,
      sqlState: '42S22',
    })
    await pool.end()
    await expect(pool.query('select 1')).rejects.toThrow('Pool is closed.')
  })

  test('is disposed of by await using', async () => {
    let managed: ManagedPool
    {
      await using pool = new ManagedPool({ uri: cluster.primary.url(), logger: false })
      managed = pool
      await ask(asPool(pool), 'select 1')
    }
    await expect(ask(asPool(managed), 'select 1')).rejects.toThrow('Pool is closed.')
  })

  test('one caller after another has the same connection, also after an error', async () => {
    const pool = asPool(open())
    const ids = new Set<unknown>()
    for (let n = 0; n < 5; n += 1) {
      ids.add((await ask(pool, 'select connection_id() as id'))[0]?.id)
      await ask(pool, 'select nonsense').catch(() => {})
      const [rows] = await (pool.promise() as ReturnType<ManagedPool['promise']>).query(
        'select connection_id() as id',
      )
      ids.add((rows as { id: number }[])[0]?.id)
    }
    expect(ids.size).toBe(1)
  })

  test('tells of what it does by the events of mysql2', async () => {
    const pool = open({ connectionLimit: 1 })
    const told: string[] = []
    for (const event of ['connection', 'acquire', 'enqueue', 'release', 'remove'])
      pool.on(event, () => told.push(event))
    const first = await borrow(asPool(pool))
    const second = borrow(asPool(pool))
    await eventually(() => told.includes('enqueue'))
    first.release()
    ;(await second).destroy()
    await eventually(() => told.includes('remove'))
    expect(told).toEqual([
      'connection',
      'acquire',
      'enqueue',
      'release',
      'acquire',
      'release',
      'remove',
    ])
  })

  test('a listener that throws harms no caller', async () => {
    const pool = open()
    const failures: unknown[] = []
    pool.$connections.on('listenerFailed', (event) => failures.push(event.reason))
    pool.on('acquire', () => {
      throw new Error('of the listener')
    })
    expect(await ask(asPool(pool), 'select 1 as one')).toEqual([{ one: 1 }])
    await eventually(() => failures.length === 1)
  })

  test.each([
    ['a text', (connection: Connection) => connection.query("set time_zone = '+03:00'")],
    ['values', (connection: Connection) => connection.query('set time_zone = ?', ['+03:00'])],
    [
      'a prepared statement',
      (connection: Connection) => connection.execute('set time_zone = ?', ['+03:00']),
    ],
  ])(
    "what listeners of 'connection' set by %s holds for every borrower, also after a reset",
    async (_by, setUp) => {
      const pool = open({ connectionLimit: 1 })
      pool.on('connection', setUp)
      const zone = async (): Promise<unknown> =>
        (await ask(asPool(pool), 'select @@time_zone as zone'))[0]?.zone
      expect(await zone()).toBe('+03:00')
      const connection = await borrow(asPool(pool))
      await ask(connection, "set time_zone = '-05:00', @own = 1")
      connection.release()
      expect(await zone()).toBe('+03:00')
      expect(await ask(asPool(pool), 'select @own as own')).toEqual([{ own: null }])
    },
  )

  test('a reset keeps the character set and brings back the database', async () => {
    const pool = open({ connectionLimit: 1, charset: 'utf8mb4_unicode_ci' })
    const connection = await borrow(asPool(pool))
    await ask(connection, 'use information_schema')
    await ask(connection, 'set names latin1')
    connection.release()
    expect(
      await ask(
        asPool(pool),
        "select database() as db, @@collation_connection as collation, 'é€😀' as text",
      ),
    ).toEqual([{ db: 'app', collation: 'utf8mb4_unicode_ci', text: 'é€😀' }])
  })

  test('a reset leaves SQL read as at the login, where mysql2 has blanks allowed before parentheses', async () => {
    const pool = open({ connectionLimit: 1 })
    const mode = async (): Promise<unknown> =>
      (await ask(asPool(pool), 'select @@sql_mode as mode, @own as own'))[0]
    const atLogin = await mode()
    await ask(asPool(pool), "set sql_mode = '', @own = 1")
    expect(await mode()).toEqual({ ...(atLogin as object), own: null })
    expect(await ask(asPool(pool), 'select count (*) as n from numbers')).toEqual([{ n: 3 }])
  })

  test('what the server sets in sessions at their login holds for every borrower', async () => {
    await cluster.primary.query("set global init_connect = 'set @from_server = 1'")
    try {
      const pool = open({ connectionLimit: 1 })
      const borrower = await borrow(asPool(pool))
      await ask(borrower, 'set @own = 1, @from_server = 2')
      borrower.release()
      expect(await ask(asPool(pool), 'select @own as own, @from_server as server')).toEqual([
        { own: null, server: 1 },
      ])
    } finally {
      await cluster.primary.query("set global init_connect = ''")
    }
  })

  test('prepared statements go on after a reset', async () => {
    const pool = open({ connectionLimit: 1 }).promise()
    for (let n = 0; n < 3; n += 1) {
      const connection = await pool.getConnection()
      expect((await connection.execute('select ? + 0 as n', [n]))[0]).toEqual([{ n }])
      await connection.query('set @a = 1')
      connection.release()
    }
  })

  test('what was prepared by one borrower is refused to him afterwards', async () => {
    const pool = open({ connectionLimit: 1 }).promise()
    const connection = await pool.getConnection()
    const statement = await connection.prepare('select ? as a')
    expect((await statement.execute([1]))[0]).toEqual([{ a: 1 }])
    connection.release()
    await expect(statement.execute([2])).rejects.toMatchObject({ code: 'CONNMGR_LEASE_RELEASED' })
  })

  test('a stream gives its connection back when it has ended', async () => {
    const pool = open({ connectionLimit: 1 })
    const rows: unknown[] = []
    for await (const row of asPool(pool).query('select n from numbers order by n').stream())
      rows.push(row)
    expect(rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
    expect(await ask(asPool(pool), 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('what is no SQL fails once, whichever form asks for it, and leaves no connection behind', async () => {
    const pool = open({ connectionLimit: 1 })
    const unhandled: unknown[] = []
    const onUnhandled = (error: unknown) => unhandled.push(error)
    process.on('unhandledRejection', onUnhandled)
    for (const sql of [undefined, {}, { sql: null }, 5] as never[]) {
      await expect(pool.promise().query(sql)).rejects.toThrow(/./)
      await expect(pool.promise().execute(sql)).rejects.toThrow(/./)
      for (const method of ['query', 'execute'] as const) {
        const answers: unknown[] = []
        ;(pool[method] as (sql: unknown, done: (error: unknown) => void) => void)(sql, (error) =>
          answers.push(error),
        )
        await eventually(() => answers.length > 0 && pool.$connections.getCounts().inUse === 0)
        await ask(asPool(pool), 'select 1')
        expect(answers).toEqual([expect.any(Error)])
      }
      const query = pool.query(sql)
      const errors: unknown[] = []
      query.on('error', (error) => errors.push(error))
      await new Promise((resolve) => query.on('end', resolve as () => void))
      expect(errors).toEqual([expect.any(Error)])
    }
    await ask(asPool(pool), 'select 1')
    process.off('unhandledRejection', onUnhandled)
    expect(unhandled).toEqual([])
    expect(pool.$connections.getPoolMetrics().checkedOut).toBe(0)
  })

  test('a stream whose connection is lost fails, instead of never ending', async () => {
    const pool = open()
    const connection = await borrow(asPool(pool))
    const stream = connection.query('select n, sleep(1) from numbers').stream()
    const failed = once(stream, 'error')
    stream.resume()
    await cluster.primary.killConnections('app')
    expect((await failed)[0]).toMatchObject({ code: 'CONNMGR_CONNECTION_LOST' })
  })

  test('waitForConnections: false and queueLimit refuse who would have to wait', async () => {
    const busy = open({ connectionLimit: 1, waitForConnections: false })
    await borrow(asPool(busy))
    await expect(borrow(asPool(busy))).rejects.toThrow('No connections available.')
    const queue = open({ connectionLimit: 1, queueLimit: 1, acquireTimeoutMs: patient(1000) })
    await borrow(asPool(queue))
    const waiting = borrow(asPool(queue)).catch((error: { code: string }) => error.code)
    await expect(borrow(asPool(queue))).rejects.toMatchObject({ code: 'CONNMGR_QUEUE_FULL' })
    expect(await waiting).toBe('CONNMGR_ACQUIRE_TIMEOUT')
  })

  test('values that are SQL of their own do not pass for harmless', async () => {
    const pool = open({ connectionLimit: 1 })
    const connection = await borrow(asPool(pool))
    await ask(connection, 'select ? as a', [raw('@mine := 5')])
    connection.release()
    expect(await ask(asPool(pool), 'select @mine as mine')).toEqual([{ mine: null }])
  })

  test('end and destroy of a connection give its place back', async () => {
    const pool = open({ connectionLimit: 1 })
    const ended = (await borrow(asPool(pool))) as PoolConnection
    ended.end()
    const destroyed = await borrow(asPool(pool))
    expect(destroyed.threadId).toBe(ended.threadId)
    destroyed.destroy()
    const next = await borrow(asPool(pool))
    expect(next.threadId).not.toBe(destroyed.threadId)
    next.release()
  })

  test('shows the password to nothing that prints', async () => {
    const pool = open()
    const connection = await borrow(asPool(pool))
    const query = connection.query('select 1')
    await once(query, 'end')
    for (const thing of [
      pool,
      pool.promise(),
      connection,
      connection.config,
      query,
      pool.$connections,
    ])
      expect(inspect(thing, { depth: 6 })).not.toContain('app-secret')
    expect(JSON.stringify(pool)).not.toContain('app-secret')
    connection.release()
  })

  test('several statements and procedures end where they end', async () => {
    const pool = open({ connectionLimit: 1, multipleStatements: true })
    await cluster.primary.query(
      'create procedure app.both_of() begin select 1 as a; select 2 as b; end',
    )
    expect(await ask(asPool(pool), 'select 1 as a; select 2 as b')).toEqual([
      [{ a: 1 }],
      [{ b: 2 }],
    ])
    const [one, two] = await ask(asPool(pool), 'call both_of()')
    expect([one, two]).toEqual([[{ a: 1 }], [{ b: 2 }]])
    const connection = await borrow(asPool(pool))
    await ask(connection, 'begin; insert into numbers values (70, "seventy")')
    connection.release()
    expect(await ask(asPool(pool), 'select count(*) as n from numbers where n = 70')).toEqual([
      { n: 0 },
    ])
    await expect(ask(asPool(pool), 'begin; select nonsense')).rejects.toMatchObject({ errno: 1054 })
    expect(await isInTransaction(pool)).toBe(false)
  })

  test('a compressed connection is followed as any other', async () => {
    const pool = open({ connectionLimit: 1, compress: true })
    const connection = await borrow(asPool(pool))
    await ask(connection, 'begin')
    connection.release()
    expect(await isInTransaction(pool)).toBe(false)
  })

  test('what waits behind a statement that was given up on is refused, not sent', async () => {
    const pool = open({ connectionLimit: 1 })
    const connection = await borrow(asPool(pool))
    const late = ask(connection, { sql: 'select sleep(20)', timeout: 50 }).catch(
      (error: unknown) => error,
    )
    const behind = ask(connection, 'select 1').catch((error: unknown) => error)
    expect(await late).toMatchObject({ code: 'CONNMGR_CONNECTION_LOST' })
    expect(await behind).toMatchObject({
      code: 'CONNMGR_CONNECTION_LOST',
      sent: false,
      deliberate: true,
    })
    connection.release()
    expect(await ask(asPool(pool), 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('a statement ends on the server when its signal fires, and its connection with it', async () => {
    const pool = open()
    const { primary } = cluster
    const running = async (sql: string): Promise<number> =>
      (await primary.query('select 1 from information_schema.processlist where info = ?', [sql]))
        .length
    for (const kind of ['query', 'execute'] as const) {
      const abort = new AbortController()
      const sql = `select sleep(40) /* to be aborted, by ${kind} */`
      const failure = (pool.promise()[kind] as (options: object) => Promise<unknown>)({
        sql,
        signal: abort.signal,
      }).catch((error: unknown) => error)
      await eventually(async () => (await running(sql)) === 1)
      abort.abort(new Error('the request was closed'))
      expect(await failure).toMatchObject({
        name: 'AbortError',
        code: 'CONNMGR_ABORTED',
        cause: abort.signal.reason,
      })
      await eventually(async () => (await running(sql)) === 0)
    }
    expect(await ask(pool as unknown as Pool, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('a statement whose signal has fired is not sent, and waits for no connection', async () => {
    const pool = open({ connectionLimit: 1 })
    const connection = await borrow(pool as unknown as Pool)
    const abort = new AbortController()
    const query = (signal: unknown): Promise<unknown> =>
      ask(pool as unknown as Pool, { sql: 'select 1', signal } as QueryOptions)
    const waiting = query(abort.signal)
    abort.abort()
    for (const each of [waiting, query(abort.signal)])
      await expect(each).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_ABORTED' })
    expect(() => pool.query({ sql: 'select 1', signal: 'now' } as QueryOptions, () => {})).toThrow(
      /signal.*AbortSignal/,
    )
    const served = query(new AbortController().signal)
    connection.release()
    expect(await served).toEqual([{ 1: 1 }])
  })

  test('a write that its signal has met in flight may have been done', async () => {
    const pool = open()
    const abort = new AbortController()
    const sql = 'insert into signalled select sleep(40)'
    await ask(pool as unknown as Pool, 'create table if not exists signalled (n int)')
    const failure = ask(pool as unknown as Pool, { sql, signal: abort.signal } as QueryOptions)
    const outcome = failure.catch((error: unknown) => error)
    await eventually(
      async () =>
        (
          await cluster.primary.query(
            'select 1 from information_schema.processlist where info = ?',
            [sql],
          )
        ).length === 1,
    )
    abort.abort()
    expect(await outcome).toMatchObject({ code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN' })
  })

  test('a borrower who resets the connection or logs in as another leaves that to no other', async () => {
    const pool = open({ connectionLimit: 1 })
    const connection = await borrow(asPool(pool))
    await new Promise<void>((resolve, reject) =>
      (connection as unknown as { reset(done: (error: Error | null) => void): void }).reset(
        (error) => (error ? reject(error) : resolve()),
      ),
    )
    connection.release()
    const charset =
      "select @@character_set_client as charset, substring_index(user(), '@', 1) as user"
    expect(await ask(asPool(pool), charset)).toEqual([{ charset: 'utf8mb4', user: 'app' }])
    const other = await borrow(asPool(pool))
    await new Promise<void>((resolve, reject) =>
      other.changeUser({ user: 'admin', password: 'admin-secret' }, (error) =>
        error ? reject(error) : resolve(),
      ),
    )
    expect(await ask(other, charset)).toMatchObject([{ user: 'admin' }])
    other.release()
    expect(await ask(asPool(pool), charset)).toEqual([{ charset: 'utf8mb4', user: 'app' }])
  })

  test('a borrower changes to another database without naming the password, as on a connection of mysql2', async () => {
    const pool = open({ connectionLimit: 1 })
    const connection = await pool.promise().getConnection()
    await connection.changeUser({ database: 'information_schema' })
    expect((await connection.query('select database() as db'))[0]).toEqual([
      { db: 'information_schema' },
    ])
    expect(inspect(connection.config, { depth: 6 })).not.toContain('app-secret')
    connection.release()
    expect(await ask(asPool(pool), 'select database() as db')).toEqual([{ db: 'app' }])
  })

  test('formats and escapes as mysql2 does', () => {
    const pool = asPool(open())
    expect(pool.format('select ?, ??', ["it's", 'a`b'])).toBe("select 'it\\'s', `a``b`")
    expect(pool.escape('a"b')).toBe("'a\\\"b'")
  })

  test('a lock that a borrower has kept is released, and reported', async () => {
    const pool = open({ connectionLimit: 1 })
    const connection = await borrow(asPool(pool))
    await ask(connection, "select get_lock('mine', 0)")
    const dirty: string[] = []
    pool.$connections.on('connectionDirty', (event) => dirty.push(event.reason))
    connection.release()
    const other = await borrow(asPool(open()))
    await eventually(
      async () => (await ask(other, "select get_lock('mine', 0) as got"))[0]?.got === 1,
    )
    await eventually(() => dirty.length > 0)
    expect(dirty).toEqual(['advisory-locks'])
    other.release()
  })

  test('createPool and createPoolCluster are those of the driver that TypeORM takes', async () => {
    const pool = createPool({ uri: cluster.primary.url(), logger: false })
    opened.add(pool.$connections)
    expect(await ask(asPool(pool), 'select 1 as one')).toEqual([{ one: 1 }])
    const nodes = createPoolCluster({ canRetry: true })
    nodes.add('SLAVE0', { uri: cluster.primary.url({ host: 'localhost' } as never), logger: false })
    nodes.add('MASTER', { uri: cluster.primary.url(), logger: false })
    const namespace = nodes.of('SLAVE*')
    for (const from of [nodes, namespace]) {
      const connection = await new Promise<PoolConnection>((resolve, reject) =>
        from.getConnection((error, lent) =>
          error ? reject(error) : resolve(lent as PoolConnection),
        ),
      )
      expect(await ask(connection, 'select 1 as one')).toEqual([{ one: 1 }])
      connection.release()
    }
    await end(nodes as unknown as Pool)
  })

  test('the facades of a manager lead to it, and close alone', async () => {
    const manager = opened.add(
      createConnectionManager({ databaseUrl: cluster.primary.url(), logger: false }),
    )
    expect(await ask(asPool(manager.pool), 'select 1 as one')).toEqual([{ one: 1 }])
    expect(await ask(asPool(manager.replica), 'select 1 as one')).toEqual([{ one: 1 }])
    await end(asPool(manager.pool))
    expect(await manager.use(async (connection) => ask(connection, 'select 1 as one'))).toEqual([
      { one: 1 },
    ])
  })
})
