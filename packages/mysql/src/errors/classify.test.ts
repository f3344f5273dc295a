import { once } from 'node:events'
import { connect } from 'node:net'
import {
  CommitOutcomeUnknownError,
  ConnectionLostError,
  ConnectTimeoutError,
  QueryTimeoutError,
} from '@connmgr/core'
import type { ConnectionSignal } from '@connmgr/core/driver'
import {
  describeEachProduct,
  eventually,
  type MysqlCluster,
  type MysqlNode,
} from '@connmgr/testing'
import type { Connection } from 'mysql2'
import { ask } from '../../test/asking.js'
import { endpointFrom } from '../config/endpoint-config.js'
import { MysqlDriver } from '../driver.js'
import { classify, isDeliberate } from './classify.js'

const error = (fields: object, message = 'said'): Error => Object.assign(new Error(message), fields)

describe('what an error means', () => {
  test.each([
    [{ code: 'ECONNREFUSED', errno: -111 }, 'unreachable'],
    [{ code: 'ENOTFOUND' }, 'unreachable'],
    [{ code: 'ETIMEDOUT', syscall: 'connect' }, 'unreachable'],
    [{ code: 'ECONNRESET', errno: -104 }, 'lost'],
    [{ code: 'PROTOCOL_CONNECTION_LOST', fatal: true }, 'lost'],
    [{ code: 'PROTOCOL_SEQUENCE_TIMEOUT' }, 'lost'],
    [{ fatal: true }, 'lost'],
    [{ code: 'HANDSHAKE_SSL_ERROR', fatal: true }, 'setup'],
    [{ code: 'HANDSHAKE_SSL_ERROR', errno: -104, fatal: true }, 'lost'],
    [{ errno: 1053 }, 'shutdown'],
    [{ code: 1053 }, 'shutdown'],
    [{ errno: 1836 }, 'read-only'],
    [{ errno: 1213 }, 'serialization'],
    [{ errno: 1064 }, 'statement'],
    [{}, 'statement'],
  ])('%j is %s', (fields, kind) => {
    expect(classify(error(fields))).toBe(kind)
  })

  test('some numbers mean something by their text alone', () => {
    const super1290 =
      'The MySQL server is running with the --super-read-only option so it cannot execute this statement'
    const secure1290 =
      'The MySQL server is running with the --secure-file-priv option so it cannot execute this statement'
    expect(classify(error({ errno: 1290 }, super1290))).toBe('read-only')
    expect(classify(error({ errno: 1290 }, secure1290))).toBe('statement')
    expect(
      classify(error({ errno: 1047 }, 'WSREP has not yet prepared node for application use')),
    ).toBe('starting')
    expect(classify(error({ errno: 1047 }, 'Unknown command'))).toBe('statement')
    const idle =
      'The client was disconnected by the server because of inactivity. See wait_timeout and interactive_timeout'
    expect(classify(error({ errno: 4031 }, idle))).toBe('lost')
    expect(classify(error({ errno: 4031 }, "Referenced trigger 'a' does not exist"))).toBe(
      'statement',
    )
  })

  test('ours mean what their causes mean', () => {
    expect(classify(new ConnectTimeoutError('db1', 5))).toBe('unreachable')
    expect(classify(new ConnectionLostError('gone', error({ errno: 1053 })))).toBe('shutdown')
    expect(classify(new CommitOutcomeUnknownError(error({ code: 'EPIPE' })))).toBe('lost')
    expect(classify(new AggregateError([error({ code: 'ECONNREFUSED' })]))).toBe('unreachable')
  })

  test('an end on purpose is told apart', () => {
    expect(isDeliberate(error({ errno: 3024 }))).toBe(true)
    expect(isDeliberate(new ConnectionLostError('gone', new QueryTimeoutError(5)))).toBe(true)
    expect(isDeliberate(error({ errno: 1213 }))).toBe(false)
    expect(isDeliberate(error({ code: 'ECONNRESET' }))).toBe(false)
  })
})

describeEachProduct('what the errors of a server mean', ({ product, start }) => {
  const isMysql = product.name === 'MySQL'
  let cluster: MysqlCluster
  let server: MysqlNode
  const driver = new MysqlDriver()
  const opened: Connection[] = []
  const signals: ConnectionSignal[] = []

  beforeAll(async () => {
    cluster = await start({
      settings: {
        'max-connect-errors': '3',
        'max-user-connections': '90',
        'disconnect-on-expired-password': 'on',
      },
    })
    server = cluster.primary
    await server.query('create table t (n int primary key) engine=innodb')
    await server.query('insert into t values (1)')
  })
  afterEach(() => {
    for (const connection of opened.splice(0)) driver.destroy(connection)
    signals.length = 0
  })
  afterAll(() => cluster?.stop())

  const open = async (url = server.url()): Promise<Connection> => {
    const connection = await driver.connect(endpointFrom('url', { uri: url }), {
      signal: new AbortController().signal,
      onSignal: (signal) => signals.push(signal),
    })
    opened.push(connection)
    return connection
  }
  const failureOf = async (
    promise: Promise<unknown>,
  ): Promise<{ errno?: number; kind: string }> => {
    const failure = await promise.then(
      () => undefined,
      (thrown: { errno?: number }) => thrown,
    )
    return {
      ...(failure?.errno === undefined ? {} : { errno: failure.errno }),
      kind: driver.classify(failure),
    }
  }
  const as = (user: string, password: string, database = 'app'): string => {
    const url = new URL(server.url())
    Object.assign(url, { username: user, password, pathname: `/${database}` })
    return url.href
  }

  test('logins that fail for a reason that a person has to mend', async () => {
    await server.query("create user locked@'%' identified by 'x' account lock")
    await server.query("create user expired@'%' identified by 'x' password expire")
    expect(await failureOf(open(as('app', 'wrong')))).toEqual({ errno: 1045, kind: 'setup' })
    expect(await failureOf(open(as('app', 'app-secret', 'nowhere')))).toEqual({
      errno: 1044,
      kind: 'setup',
    })
    expect(await failureOf(open(as('admin', 'admin-secret', 'nowhere')))).toEqual({
      errno: 1049,
      kind: 'setup',
    })
    expect(await failureOf(open(as('locked', 'x', '')))).toEqual({
      errno: isMysql ? 3118 : 4151,
      kind: 'setup',
    })
    expect(await failureOf(open(as('expired', 'x', '')))).toEqual({ errno: 1862, kind: 'setup' })
    expect(driver.replication.isOfDatabase(error({ errno: 1049 }))).toBe(true)
    expect(driver.replication.isOfDatabase(error({ errno: 1045 }))).toBe(false)
  })

  test('a server without room is busy, for all and for one account', async () => {
    await server.query("create user few@'%' identified by 'x' with max_user_connections 1")
    await open(as('few', 'x', ''))
    expect(await failureOf(open(as('few', 'x', '')))).toEqual({ errno: 1226, kind: 'busy' })
    await server.query("create user many@'%' identified by 'x'")
    await server.query('set global max_user_connections = 1')
    await open(as('many', 'x', ''))
    expect(await failureOf(open(as('many', 'x', '')))).toEqual({ errno: 1203, kind: 'busy' })
    await server.query('set global max_user_connections = 90')
    await server.limitConnections(10)
    let failure: { errno?: number; kind: string } = { kind: 'none' }
    for (let n = 0; n < 15 && failure.errno === undefined; n += 1) failure = await failureOf(open())
    expect(failure).toEqual({ errno: 1040, kind: 'busy' })
    await server.limitConnections(100)
  })

  test('a write that read_only refuses signals that the server is no writer; a transaction that only reads does not', async () => {
    const connection = await open()
    await server.setReadOnly(true)
    expect(await failureOf(ask(connection, 'insert into t values (2)'))).toEqual({
      errno: 1290,
      kind: 'read-only',
    })
    await server.setReadOnly(false)
    expect(signals.map((each) => each.kind)).toEqual(['read-only'])
    await ask(connection, 'start transaction read only')
    expect(await failureOf(ask(connection, 'insert into t values (2)'))).toEqual({
      errno: 1792,
      kind: 'read-only',
    })
    expect(signals).toHaveLength(1)
  })

  test('limits of time cost a statement, and are on purpose', async () => {
    const connection = await open()
    const limit = isMysql ? ['max_execution_time', 50] : ['max_statement_time', 0.05]
    await ask(connection, `set ${limit.join(' = ')}`)
    const failure = await ask(connection, 'select n from t where sleep(5) = 0').catch(
      (thrown: unknown) => thrown,
    )
    expect(failure).toMatchObject({ errno: isMysql ? 3024 : 1969 })
    expect([driver.classify(failure), driver.statements.isDeliberate(failure)]).toEqual([
      'statement',
      true,
    ])
    await ask(connection, `set ${limit[0]} = 0`)
    const killed = ask(connection, 'select n from t where sleep(600) = 0').catch(
      (thrown: unknown) => thrown,
    )
    await eventually(async () => {
      const rows = await server.query<{ id: number }>(
        "select id from information_schema.processlist where info like '%sleep(600)%' and user = 'app'",
      )
      for (const { id } of rows) await server.query(`kill query ${id}`)
      return rows.length > 0
    })
    expect(await killed).toMatchObject({ errno: 1317 })
    expect(driver.inspect(connection)).toBe('clean')
  })

  test('a change since it was read is a conflict', async () => {
    const connection = await open()
    const has = await ask(connection, "show variables like 'innodb_snapshot_isolation'")
    if (has.length === 0) return
    await ask(connection, 'set innodb_snapshot_isolation = on')
    await ask(connection, 'begin')
    await ask(connection, 'select * from t')
    await server.query('update t set n = n + 100')
    expect(await failureOf(ask(connection, 'update t set n = 5'))).toEqual({
      errno: 1020,
      kind: 'serialization',
    })
  })

  test('a session that is killed is lost, whether or not it runs something', async () => {
    const idle = await open()
    const running = await open()
    const failure = failureOf(ask(running, 'select sleep(60)'))
    await eventually(
      async () =>
        (
          await server.query(
            "select 1 from information_schema.processlist where info = 'select sleep(60)'",
          )
        ).length === 1,
    )
    await server.killConnections('app')
    expect(await failure).toEqual({ kind: 'lost' })
    await eventually(() => signals.length === 2)
    expect(signals.map((each) => each.kind)).toEqual(['lost', 'lost'])
    expect([idle, running].map((each) => driver.inspect(each))).toEqual(['broken', 'broken'])
  })

  test('a server that is stopped in order ends its sessions', async () => {
    await open()
    await server.stop()
    await eventually(() => signals.length > 0)
    expect(['shutdown', 'lost']).toContain(signals[0]?.kind)
    expect((await failureOf(open())).kind).toBe('unreachable')
    await server.start()
  })

  test('a probe is a whole login, which does not count towards max_connect_errors', async () => {
    const login = endpointFrom('url', { uri: server.url() })
    const aborted = async (): Promise<number> =>
      Number(
        (await server.query<{ Value: string }>("show global status like 'Aborted_connects'"))[0]
          ?.Value,
      )
    const before = await aborted()
    for (let n = 0; n < 5; n += 1) {
      const probe = await driver.replication.openProbe(login, {
        signal: new AbortController().signal,
        onSignal: () => {},
      })
      probe.destroy()
    }
    expect(await aborted()).toBe(before)
    const socket = connect(server.port, server.host)
    await once(socket, 'data')
    socket.destroy()
    await eventually(async () => (await aborted()) === before + 1)
  })
})
