import { tracingChannel } from 'node:diagnostics_channel'
import { describeEachProduct, type MysqlCluster, Opened } from '@connmgr/testing'
import mysql2, {
  type Connection,
  type ConnectionOptions,
  type Pool,
  type PrepareStatementInfo,
} from 'mysql2'
import { borrow } from '../test/asking.js'
import { createFollowedConnection } from './followed-connection.js'
import { createConnectionManager } from './index.js'
import { connectionOf } from './leased-connection.js'

/** What a call of `execute` comes to, in words that can be compared. */
type Outcome = Record<string, unknown>

/** Arguments of `execute`, before its callback. */
type Call = readonly [sql: unknown, ...values: unknown[]]

const CALLS: readonly Call[] = [
  ['select id, name from items where id = ?', [2]],
  ['select id, name from items where id = ?', ['2']],
  ['select id, name from items where id = ?', [null]],
  ['select id, name from items where id = ?'],
  ['select id, name from items where id = ?', undefined],
  ['select id, name from items where id = ?', [undefined]],
  ['select id, name from items where id = ?', [() => 1]],
  ['select id, name from items where id = ?', [1, 2]],
  ['select id, name from items where id = ?', { id: 1 }],
  ['select id, name from items where id = :id', { id: 1 }],
  [{ sql: 'select id, name from items where id = ?', rowsAsArray: true }, [2]],
  [{ sql: 'select id, name from items where id = ?', nestTables: true }, [2]],
  ['select ? as bytes, ? as day, ? as text', [Buffer.from('é'), new Date(0), '€😀']],
  ['select count(*) as n from items'],
  ['insert into items values (?, ?)', [2, 'a second time']],
  ['select no_such_column from items where id = ?', [1]],
  ['update items set name = ? where id = ?', ['three', 3]],
  ['set @n = ?', [7]],
]

function execute(connection: Connection, call: Call): Promise<Outcome> {
  return new Promise((resolve) => {
    const told = (error: unknown): void => {
      const { name, code, errno, sqlState, sql, message } = error as Error & Outcome
      resolve({ name, code, errno, sqlState, sql, message })
    }
    try {
      ;(connection.execute as (...args: unknown[]) => void)(
        ...call,
        (error: unknown, rows: unknown, fields?: readonly { readonly name: string }[]) => {
          if (error) told(error)
          else resolve({ rows, names: fields?.map(({ name }) => name) })
        },
      )
    } catch (error) {
      told(error)
    }
  })
}

describeEachProduct('a statement that is prepared already', ({ start }) => {
  let cluster: MysqlCluster
  const opened = new Opened()

  beforeAll(async () => {
    cluster = await start()
    await cluster.primary.query('create table items (id int primary key, name varchar(40))')
    await cluster.primary.query("insert into items values (1, 'one'), (2, 'two'), (3, 'three')")
  })
  afterEach(() => opened.close())
  afterAll(() => cluster?.stop())

  const connect = (create: (options: ConnectionOptions) => Connection, more: object = {}) => {
    const connection = create({ uri: cluster.primary.url({ user: 'app' }), ...more })
    opened.add({ close: () => new Promise<void>((resolve) => connection.end(() => resolve())) })
    return connection
  }
  const prepares = async (connection: Connection): Promise<number> => {
    const status = "show session status like 'Com_stmt_prepare'"
    const { rows } = await new Promise<Outcome>((resolve) =>
      connection.query(status, (_error, found) => resolve({ rows: found })),
    )
    return Number((rows as { Value: string }[])[0]?.Value)
  }

  test.each([
    { namedPlaceholders: false },
    { namedPlaceholders: true },
    { rowsAsArray: true },
    { maxPreparedStatements: 1 },
  ])('answers as mysql2 does, with %j', async (options) => {
    const ours = connect(createFollowedConnection, options)
    const theirs = connect(mysql2.createConnection, options)
    for (let round = 0; round < 3; round += 1)
      for (const call of CALLS)
        expect(await execute(ours, call)).toEqual(await execute(theirs, call))
    const [sentAtOnce, one] = [ours, theirs].map((each) =>
      Promise.all(CALLS.map((call) => execute(each, call))),
    )
    expect(await sentAtOnce).toEqual(await one)
    expect(await prepares(ours)).toBe(await prepares(theirs))
  })

  test('is sent without asking mysql2 for it', async () => {
    const ours = connect(createFollowedConnection)
    const text = 'select id from items where id = ?'
    const statement = await new Promise<PrepareStatementInfo>((resolve, reject) =>
      ours.prepare(text, (error, prepared) => (error ? reject(error) : resolve(prepared))),
    )
    const sent = jest.spyOn(statement, 'execute')
    expect(await execute(ours, [text, [1]])).toMatchObject({ rows: [{ id: 1 }] })
    expect(sent).toHaveBeenCalledTimes(1)
  })

  test('is prepared again after a reset and a change of the user', async () => {
    const ours = connect(createFollowedConnection)
    const call: Call = ['select id from items where id = ?', [1]]
    const found = { rows: [{ id: 1 }], names: ['id'] }
    expect(await execute(ours, call)).toEqual(found)
    await new Promise((resolve) => ours.reset(resolve))
    expect(await execute(ours, call)).toEqual(found)
    await new Promise((resolve) => ours.changeUser({}, resolve))
    expect(await execute(ours, call)).toEqual(found)
  })

  test('is shown to those that trace mysql2', async () => {
    const ours = connect(createFollowedConnection)
    const call: Call = ['select id from items where id = ?', [1]]
    await execute(ours, call)
    const seen: unknown[] = []
    const start = (context: unknown): void => {
      seen.push((context as { query: unknown }).query)
    }
    const channel = tracingChannel('mysql2:execute')
    channel.subscribe({ start } as never)
    try {
      await execute(ours, call)
    } finally {
      channel.unsubscribe({ start } as never)
    }
    await execute(ours, call)
    expect(seen).toEqual([call[0]])
  })

  test("is shown to what is put around mysql2's own method", async () => {
    const ours = connect(createFollowedConnection)
    const call: Call = ['select id from items where id = ?', [1]]
    await execute(ours, call)
    const { prototype } = (mysql2 as unknown as { Connection: { prototype: Connection } })
      .Connection
    const original = prototype.execute
    const seen: unknown[] = []
    prototype.execute = function wrapped(this: Connection, ...args: unknown[]) {
      seen.push(args[0])
      return Reflect.apply(original, this, args)
    } as never
    try {
      await execute(ours, call)
    } finally {
      prototype.execute = original
    }
    await execute(ours, call)
    expect(seen).toEqual([call[0]])
  })

  test('is refused on a connection that is closed, as not sent', async () => {
    const manager = opened.add(
      createConnectionManager({ databaseUrl: cluster.primary.url(), logger: false }),
    )
    const connection = connectionOf(await borrow(manager.pool as unknown as Pool))
    const call: Call = ['select id from items where id = ?', [1]]
    await execute(connection, call)
    connection.destroy()
    expect(await execute(connection, call)).toMatchObject({ code: 'CONNMGR_CONNECTION_LOST' })
  })
})
