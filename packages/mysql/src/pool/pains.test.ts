import {
  describeEachProduct,
  eventually,
  type FaultProxy,
  type MysqlCluster,
  type MysqlNode,
  patient,
  startFaultProxy,
} from '@connmgr/testing'
import {
  createPool,
  createPoolCluster,
  type Pool,
  type PoolConnection,
  type PoolOptions,
} from 'mysql2'
import { ask, borrow, end } from '../../test/asking.js'
import { ManagedPool } from './managed-pool.js'
import { ManagedPoolCluster } from './pool-cluster.js'

const OURS = {
  logger: false,
  startTimeoutMs: 0,
  prePingBypassMs: 0,
  validateTimeoutMs: patient(300),
  healthMonitoring: false,
} as const

/** What users of mysql2's own pool suffer: each is shown on that pool, and does not happen on ours. */
describeEachProduct('what hurts users of a pool of mysql2', ({ product, start }) => {
  let cluster: MysqlCluster
  let first: MysqlNode
  let second: MysqlNode
  let proxy: FaultProxy
  const pools: Pick<Pool, 'end'>[] = []

  beforeAll(async () => {
    cluster = await start({ replicas: 1 })
    first = cluster.primary
    second = cluster.replicas[0] as MysqlNode
    await first.query('create table kept (n int)')
    await second.waitForReplay(first)
    proxy = await startFaultProxy({ target: first })
  })
  afterEach(async () => {
    for (const pool of pools.splice(0)) pool.end(() => {})
    await proxy.heal()
    proxy.reset()
  })
  afterAll(async () => {
    await proxy?.close()
    await cluster?.stop()
  })

  const options = (more: PoolOptions = {}): PoolOptions => ({
    host: '127.0.0.1',
    port: proxy.port,
    user: 'app',
    password: 'app-secret',
    database: 'app',
    ...more,
  })
  const theirs = (more?: PoolOptions): Pool => {
    const pool = createPool(options(more))
    pools.push(pool)
    return pool
  }
  const ours = (more?: PoolOptions & object): ManagedPool => {
    const pool = new ManagedPool({ ...options(more), ...OURS })
    pools.push(pool)
    return pool
  }
  const runningOn = async (node: MysqlNode, sql: string): Promise<number> => {
    const rows = await node.query('select 1 from information_schema.processlist where info = ?', [
      sql,
    ])
    return rows.length
  }

  test('a connection that died while it was idle is handed out', async () => {
    const outcome = async (pool: Pool | ManagedPool): Promise<unknown> => {
      await ask(pool as Pool, 'select 1')
      proxy.halfOpen()
      await proxy.heal()
      return ask(pool as Pool, 'select 1 as one').catch((error: { code: string }) => error.code)
    }
    expect(await outcome(theirs())).toBe('ECONNRESET')
    expect(await outcome(ours())).toEqual([{ one: 1 }])
  })

  test('a server that is gone without a word leaves callers hanging', async () => {
    const upstream = theirs()
    await ask(upstream, 'select 1')
    proxy.abandon()
    let answered = false
    ask(upstream, 'select 1')
      .catch(() => {})
      .finally(() => {
        answered = true
      })
    const managed = ours()
    await ask(managed as unknown as Pool, 'select 1')
    proxy.abandon()
    expect(await ask(managed as unknown as Pool, 'select 2 as two')).toEqual([{ two: 2 }])
    expect(answered).toBe(false)
  })

  test('waiting for a connection has no end', async () => {
    const upstream = theirs({ connectionLimit: 1 })
    await borrow(upstream)
    let answered = false
    borrow(upstream)
      .catch(() => {})
      .finally(() => {
        answered = true
      })
    const managed = ours({ connectionLimit: 1, acquireTimeoutMs: patient(500) } as PoolOptions)
    await borrow(managed as unknown as Pool)
    await expect(borrow(managed as unknown as Pool)).rejects.toMatchObject({
      code: 'CONNMGR_ACQUIRE_TIMEOUT',
    })
    expect(answered).toBe(false)
  })

  test('a connection to a server that has become read-only is lent on', async () => {
    const outcome = async (pool: Pool | ManagedPool): Promise<unknown> => {
      const insert = async (): Promise<unknown> => {
        const connection = await borrow(pool as Pool)
        try {
          await ask(connection, 'begin')
          await ask(connection, 'insert into kept values (1)')
          await ask(connection, 'commit')
          return 'written'
        } catch (error) {
          await ask(connection, 'rollback').catch(() => {})
          return (error as { errno: number }).errno
        } finally {
          connection.release()
        }
      }
      await insert()
      await first.setReadOnly(true)
      await second.query(`stop ${product.replication.replica}`)
      await second.setReadOnly(false)
      // The name leads to another server now, as after a failover.
      proxy.retarget(second)
      try {
        return [await insert(), await insert()]
      } finally {
        proxy.retarget(first)
        await second.setReadOnly(true)
        await second.rebuildAsReplicaOf(first)
        await first.setReadOnly(false)
      }
    }
    expect(await outcome(theirs())).toEqual([1290, 1290])
    expect(await outcome(ours())).toContain('written')
  })

  test('a transaction that was left open goes to the next borrower', async () => {
    const outcome = async (pool: Pool | ManagedPool): Promise<unknown> => {
      const one = await borrow(pool as Pool)
      await ask(one, 'begin')
      await ask(one, 'insert into kept values (5)')
      await ask(one, 'set @mine = 5')
      one.release()
      const other = await borrow(pool as Pool)
      const rows = await ask(other, 'select count(*) as open, @mine as mine from kept where n = 5')
      other.release()
      return rows
    }
    expect(await outcome(theirs({ connectionLimit: 1 }))).toEqual([{ open: 1, mine: 5 }])
    expect(await outcome(ours({ connectionLimit: 1 }))).toEqual([{ open: 0, mine: null }])
  })

  test('who releases twice frees the connection of another', async () => {
    const outcome = async (pool: Pool | ManagedPool): Promise<unknown> => {
      const stale = await borrow(pool as Pool)
      stale.release()
      const holder = await borrow(pool as Pool)
      stale.release()
      const third = await borrow(pool as Pool)
      return third.threadId === holder.threadId ? 'shared' : 'apart'
    }
    expect(await outcome(theirs())).toBe('shared')
    const managed = ours()
    const misused: unknown[] = []
    managed.$connections.on('leaseMisused', (event) => misused.push(event))
    expect(await outcome(managed)).toBe('apart')
    expect(misused).toHaveLength(1)
  })

  test('who keeps a connection can use that of another', async () => {
    const outcome = async (pool: Pool | ManagedPool): Promise<unknown> => {
      const stale = await borrow(pool as Pool)
      stale.release()
      await borrow(pool as Pool)
      return ask(stale, 'select 1 as one').catch((error: { code: string }) => error.code)
    }
    expect(await outcome(theirs())).toEqual([{ one: 1 }])
    expect(await outcome(ours())).toBe('CONNMGR_LEASE_RELEASED')
  })

  test('a statement that was given up on holds up the next caller', async () => {
    const sql = 'select sleep(30) /* given up on */'
    const upstream = theirs({ connectionLimit: 1 })
    await expect(ask(upstream, { sql, timeout: 50 })).rejects.toMatchObject({
      code: 'PROTOCOL_SEQUENCE_TIMEOUT',
    })
    let answered = false
    ask(upstream, 'select 1')
      .catch(() => {})
      .finally(() => {
        answered = true
      })
    const managed = ours({ connectionLimit: 1 }) as unknown as Pool
    await expect(ask(managed, { sql, timeout: 50 })).rejects.toMatchObject({
      code: 'CONNMGR_CONNECTION_LOST',
    })
    expect(await ask(managed, 'select 1 as one')).toEqual([{ one: 1 }])
    expect(answered).toBe(false)
    // That of mysql2's pool goes on.
    await eventually(async () => (await runningOn(first, sql)) === 1)
  })

  test('a connection that is destroyed leaves its statement running', async () => {
    const outcome = async (pool: Pool | ManagedPool, sql: string): Promise<void> => {
      const connection = await borrow(pool as Pool)
      ask(connection, sql).catch(() => {})
      await eventually(async () => (await runningOn(first, sql)) === 1)
      connection.destroy()
    }
    const managed = 'select sleep(40) /* of ours */'
    const upstream = 'select sleep(40) /* of mysql2 */'
    await outcome(theirs(), upstream)
    await outcome(ours(), managed)
    await eventually(async () => (await runningOn(first, managed)) === 0)
    expect(await runningOn(first, upstream)).toBe(1)
  })

  test('a cluster removes a node that was down for a while, for good', async () => {
    const upstream = createPoolCluster({ removeNodeErrorCount: 1, canRetry: false })
    upstream.add('MASTER', options({ connectionLimit: 2 }))
    const managed = new ManagedPoolCluster()
    managed.add('MASTER', { ...options(), ...OURS, acquireTimeoutMs: patient(1000) })
    pools.push(upstream as unknown as Pool, managed as unknown as Pool)
    const outcome = (of: {
      getConnection(
        id: string,
        callback: (error: Error | null, connection?: PoolConnection) => void,
      ): void
    }): Promise<unknown> =>
      new Promise((resolve) => {
        of.getConnection('MASTER', (error, connection) => {
          connection?.release()
          resolve(error === null ? 'lent' : (error as { code?: string }).code)
        })
      })
    proxy.refuse()
    expect(await outcome(upstream as never)).toBe('ECONNREFUSED')
    expect(await outcome(managed)).toBe('CONNMGR_ACQUIRE_TIMEOUT')
    await proxy.heal()
    expect(await outcome(upstream as never)).toBe('POOL_NOEXIST')
    expect(await outcome(managed)).toBe('lent')
    await end(managed as unknown as Pool)
  })
})
