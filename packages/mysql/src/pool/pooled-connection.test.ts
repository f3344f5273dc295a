import { inspect } from 'node:util'
import { describeEachProduct, type MysqlCluster, Opened } from '@connmgr/testing'
import mysql2, { type PoolConnection } from 'mysql2'
import { ask, borrow } from '../../test/asking.js'
import { ManagedPool } from '../index.js'

describeEachProduct('a connection of a managed pool', ({ start }) => {
  let cluster: MysqlCluster
  let pool: ManagedPool
  const opened = new Opened()

  beforeAll(async () => {
    cluster = await start()
  })
  beforeEach(() => {
    // One connection, so that each borrower gets that of the one before.
    pool = new ManagedPool({
      uri: cluster.primary.url({ user: 'app' }),
      connectionLimit: 1,
      logger: false,
    })
    opened.add(pool.$connections)
  })
  afterEach(() => opened.close())
  afterAll(() => cluster?.stop())

  type Properties = Record<string, unknown>

  test('is a connection of mysql2 to all who look, and shows what that has', async () => {
    const connection = await borrow(pool)
    const { Connection } = mysql2 as unknown as { Connection: new () => object }
    expect(connection).toBeInstanceOf(Connection)
    expect(connection.constructor.name).not.toMatch(/Leased|Pooled/)
    for (const name of ['config', 'threadId', 'query', 'beginTransaction', 'release', 'on'])
      expect(name in connection).toBe(true)
    expect('nothing' in connection).toBe(false)
    const [row] = await ask(connection, 'select connection_id() as id')
    expect(connection.threadId).toBe((row as { id: number }).id)
    expect(inspect(connection, { depth: 4 })).not.toContain('app-secret')
    expect(inspect(connection)).toContain('threadId')
    connection.release()
  })

  test('sends each kind of call, with its values, by callback and by promise', async () => {
    const connection = await borrow(pool)
    expect(await ask(connection, 'select ? as n', [1])).toEqual([{ n: 1 }])
    expect(await ask(connection, { sql: 'select 2', rowsAsArray: true })).toEqual([[2]])
    const [rows] = await connection.promise().execute('select ? as n', ['3'])
    expect(rows).toEqual([{ n: '3' }])
    await new Promise<void>((resolve, reject) => {
      connection.ping((error) => (error ? reject(error) : resolve()))
    })
    expect(connection.escape("it's")).toBe("'it\\'s'")
    connection.release()
  })

  test('loses what its borrower has put in place of its methods, for the next one', async () => {
    const first = await borrow(pool)
    const { query } = first
    const texts: unknown[] = []
    first.query = ((...args: Parameters<typeof query>) => {
      texts.push(args[0])
      return Reflect.apply(query, first, args) as unknown
    }) as typeof query
    Object.defineProperty(first, 'execute', { value: () => 'replaced' })
    await ask(first, 'select 1')
    expect(texts).toEqual(['select 1'])
    expect((first as unknown as { execute(): unknown }).execute()).toBe('replaced')
    first.release()
    const second = await borrow(pool)
    await ask(second, 'select 2')
    expect(texts).toEqual(['select 1'])
    expect(second.execute).not.toBe(first.execute)
    second.release()
  })

  test('keeps what a library notes on it under a name of its own', async () => {
    const first = (await borrow(pool)) as PoolConnection & Properties
    first.libraryId = 7
    expect(first.libraryId).toBe(7)
    first.release()
    const second = (await borrow(pool)) as PoolConnection & Properties
    expect(second.libraryId).toBe(7)
    second.release()
    expect(() => {
      first.other = 1
    }).toThrow(expect.objectContaining({ code: 'CONNMGR_LEASE_RELEASED' }))
  })

  test.each(['release', 'end', Symbol.dispose] as const)(
    'goes back by %p, and once more is a misuse',
    async (how) => {
      const misused: string[] = []
      pool.$connections.on('leaseMisused', ({ reason }) => misused.push(reason))
      const connection = await borrow(pool)
      const back = connection as unknown as Record<PropertyKey, () => void>
      back[how]?.()
      expect(pool.$connections.getCounts()).toMatchObject({ idle: 1, inUse: 0 })
      back[how]?.()
      expect(misused).toEqual(['released-twice'])
    },
  )

  test.each(['destroy', 'close'] as const)('is closed by %s', async (how) => {
    const connection = await borrow(pool)
    ;(connection as unknown as Record<string, () => void>)[how]?.()
    expect(pool.$connections.getCounts()).toMatchObject({ total: 0, inUse: 0 })
  })

  test('refuses a call after its release as it would answer, and one that answers nothing by throwing', async () => {
    const connection = await borrow(pool)
    const { beginTransaction, query } = connection
    connection.release()
    const refused = expect.objectContaining({ code: 'CONNMGR_LEASE_RELEASED' })
    await expect(ask(connection, 'select 1')).rejects.toEqual(refused)
    await expect(
      new Promise((_resolve, reject) => {
        Reflect.apply(query, connection, ['select 1', reject])
      }),
    ).rejects.toEqual(refused)
    await expect(
      new Promise((_resolve, reject) => {
        Reflect.apply(beginTransaction, connection, [reject])
      }),
    ).rejects.toEqual(refused)
    expect(() => connection.pause()).toThrow(refused)
  })
})
