import { type Connection, createConnection, type ResultSetHeader } from 'mysql2/promise'
import { SERVER_STATUS } from './packets.js'
import { type MysqlScript, type ScriptedMysql, startScriptedMysql } from './scripted-server.js'

describe('a scripted MySQL server', () => {
  let server: ScriptedMysql
  const connections: Connection[] = []

  afterEach(async () => {
    for (const connection of connections.splice(0)) connection.destroy()
    await server.close()
  })

  async function start(script: MysqlScript = {}): Promise<void> {
    server = await startScriptedMysql(script)
  }

  async function connect(options: object = {}): Promise<Connection> {
    const connection = await createConnection({ uri: server.url, ...options })
    connections.push(connection)
    connection.on('error', () => {})
    return connection
  }

  test('answers with rows, simple and prepared, and keeps what was sent', async () => {
    const row = { name: 'ä'.repeat(300), nothing: null, n: '7' }
    await start({ answer: (sql) => (sql.startsWith('select') ? { rows: [row, row] } : undefined) })
    const connection = await connect()
    expect((await connection.query('select 1'))[0]).toEqual([row, row])
    expect((await connection.execute('select ?, ?', [1, 'x']))[0]).toEqual([row, row])
    expect((await connection.execute('select ?, ?', [2, 'y']))[0]).toEqual([row, row])
    await connection.ping()
    await connection.reset()
    expect(server.statements).toEqual([
      'select 1',
      'select ?, ?',
      'select ?, ?',
      'COM_PING',
      'COM_RESET_CONNECTION',
    ])
    expect(server.logins).toMatchObject([{ id: 1, user: 'app', database: 'app' }])
    expect(connection.threadId).toBe(1)
  })

  test('answers with errors by their numbers', async () => {
    await start({
      answer: (_sql, { statements }) => ({
        errno: 1213,
        sqlState: '40001',
        close: statements.length > 1,
      }),
    })
    const connection = await connect()
    await expect(connection.query('update t')).rejects.toMatchObject({
      errno: 1213,
      code: 'ER_LOCK_DEADLOCK',
      sqlState: '40001',
    })
    await expect(connection.query('update t')).rejects.toMatchObject({ errno: 1213 })
    await expect(connection.query('update t')).rejects.toMatchObject({ fatal: true })
    expect(server.statements).toHaveLength(2)
  })

  test('reports the status of the session and the GTIDs of a commit', async () => {
    const gtids = '3e11fa47-71ca-11e1-9e33-c80aa9429562:23'
    await start({
      answer: (sql) =>
        sql === 'begin'
          ? { status: SERVER_STATUS.AUTOCOMMIT | SERVER_STATUS.IN_TRANSACTION }
          : sql === 'commit'
            ? { status: SERVER_STATUS.AUTOCOMMIT, gtids }
            : { affectedRows: 3, insertId: 70_000 },
    })
    const connection = await connect()
    const [begun] = await connection.query<ResultSetHeader>('begin')
    expect(begun).toMatchObject({ serverStatus: 3 })
    const [written] = await connection.query<ResultSetHeader>('insert')
    expect(written).toMatchObject({ serverStatus: 3, affectedRows: 3, insertId: 70_000 })
    const [committed] = await connection.query('commit')
    expect(committed).toMatchObject({ serverStatus: 0x4002, stateChanges: { gtids: [gtids] } })
  })

  test.each([
    ['in place of the greeting', { greet: () => ({ errno: 1040 }) }, { errno: 1040 }],
    ['of a login', { login: () => ({ errno: 1045, sqlState: '28000' }) }, { errno: 1045 }],
    ['by its end', { greet: () => 'close' }, { code: 'PROTOCOL_CONNECTION_LOST' }],
    ['of a login by its end', { login: () => 'reset' }, { code: 'ECONNRESET' }],
  ] as [string, MysqlScript, object][])('refuses a connection %s', async (_how, script, error) => {
    await start(script)
    await expect(connect()).rejects.toMatchObject(error)
  })

  test('says nothing at all where it shall be silent', async () => {
    await start({ greet: () => 'silence' })
    await expect(connect({ connectTimeout: 100 })).rejects.toMatchObject({ code: 'ETIMEDOUT' })
    await server.close()
    await start({ answer: () => 'silence' })
    const connection = await connect()
    const query = connection.query({ sql: 'select 1', timeout: 100 })
    await expect(query).rejects.toMatchObject({ code: 'PROTOCOL_SEQUENCE_TIMEOUT' })
  })

  test('ends a connection when it is to, also with an error that no statement has asked for', async () => {
    await start({ answer: () => 'silence' })
    const [first, second, third] = [await connect(), await connect(), await connect()]
    const errors = [second, third].map(
      (each) => new Promise((resolve) => each.on('error', resolve)),
    )
    const lost = expect(first.query('select 1')).rejects.toMatchObject({ fatal: true })
    server.end('reset', 1)
    await lost
    server.end({ errno: 4031, message: 'The client was disconnected by the server' }, 2)
    // mysql2 has no errno for it.
    expect(await errors[0]).toMatchObject({ code: 4031, fatal: true })
    server.end('close')
    expect(await errors[1]).toMatchObject({ code: 'PROTOCOL_CONNECTION_LOST' })
    await server.close()
    expect(server.connections).toBe(0)
  })

  test('speaks TLS', async () => {
    await start({ tls: true, answer: () => ({ rows: [{ one: '1' }] }) })
    const connection = await connect({ ssl: { rejectUnauthorized: false } })
    expect((await connection.query('select 1'))[0]).toEqual([{ one: '1' }])
  })
})
