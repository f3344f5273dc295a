import type { ConnectionSignal } from '@connmgr/core/driver'
import {
  describeMysql,
  eventually,
  type MysqlCluster,
  type MysqlNode,
  Opened,
  startMysql,
} from '@connmgr/testing'
import type { Connection, Pool } from 'mysql2'
import { ask, borrow } from '../../test/asking.js'
import { endpointFrom } from '../config/endpoint-config.js'
import { MysqlDriver } from '../driver.js'
import { createConnectionManager } from '../index.js'

describeMysql('errors that MySQL alone raises', () => {
  let cluster: MysqlCluster
  let server: MysqlNode
  const driver = new MysqlDriver()
  const connections: Connection[] = []
  const signals: ConnectionSignal[] = []
  const opened = new Opened()

  beforeAll(async () => {
    cluster = await startMysql()
    server = cluster.primary
  })
  afterEach(async () => {
    for (const connection of connections.splice(0)) driver.destroy(connection)
    signals.length = 0
    await opened.close()
  })
  afterAll(() => cluster?.stop())

  const open = async (user = 'app'): Promise<Connection> => {
    const connection = await driver.connect(endpointFrom('url', { uri: server.url({ user }) }), {
      signal: new AbortController().signal,
      onSignal: (signal) => signals.push(signal),
    })
    connections.push(connection)
    return connection
  }
  const failureOf = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (thrown: { errno?: number }) => ({ errno: thrown.errno, kind: driver.classify(thrown) }),
    )

  test('a session that wait_timeout has ended is lost, on purpose, and says why to who uses it', async () => {
    const connection = await open()
    await ask(connection, 'set session wait_timeout = 1')
    await eventually(() => signals.length > 0)
    expect(signals.map(({ kind }) => kind)).toEqual(['lost'])
    expect(driver.inspect(connection)).toBe('broken')
    const trouble = driver.troubleOf(connection)
    expect(trouble?.message).toMatch(/inactivity/)
    expect(driver.statements.isDeliberate(trouble)).toBe(true)
    await expect(ask(connection, 'select 1')).rejects.toMatchObject({
      code: 'CONNMGR_CONNECTION_LOST',
      cause: expect.objectContaining({ message: expect.stringMatching(/inactivity/) }),
    })
  })

  test('a pool replaces what wait_timeout has ended, and no caller notices', async () => {
    await server.query('set global wait_timeout = 1')
    const manager = opened.add(
      createConnectionManager({ databaseUrl: server.url(), poolSize: 1, logger: false }),
    )
    const pool = manager.pool as unknown as Pool
    const lost = new Promise<void>((resolve) => {
      manager.on('connectionClosed', () => resolve())
    })
    const idOf = async () => (await ask(pool, 'select connection_id() as id'))[0]?.id
    const first = await idOf()
    await lost
    expect(await idOf()).not.toBe(first)
    await server.query('set global wait_timeout = default')
  })

  test('offline mode ends the sessions of applications and refuses them, as a shutdown', async () => {
    await open()
    await server.query('set global offline_mode = on')
    try {
      await eventually(() => signals.length > 0)
      expect(['shutdown', 'lost']).toContain(signals[0]?.kind)
      expect(await failureOf(open())).toEqual({ errno: 3032, kind: 'shutdown' })
    } finally {
      await server.query('set global offline_mode = off')
    }
  })

  test('a server that requires TLS refuses a login without it, for a person to mend', async () => {
    // It ends no session that is open, by which it can be switched off again.
    const admin = await open('admin')
    await ask(admin, 'set global require_secure_transport = on')
    try {
      expect(await failureOf(open())).toEqual({ errno: 3159, kind: 'setup' })
    } finally {
      await ask(admin, 'set global require_secure_transport = off')
    }
  })

  test('a full server is busy for the application, and has one more place for an administrator', async () => {
    await server.limitConnections(1)
    try {
      await open()
      expect(await failureOf(open())).toEqual({ errno: 1040, kind: 'busy' })
      expect(await ask(await open('admin'), 'select 1 as one')).toEqual([{ one: 1 }])
      expect(await failureOf(open('admin'))).toEqual({ errno: 1040, kind: 'busy' })
    } finally {
      await server.limitConnections(100)
    }
  })

  test('a time limit in a hint costs the statement alone', async () => {
    const manager = opened.add(
      createConnectionManager({ databaseUrl: server.url(), logger: false }),
    )
    const connection = await borrow(manager.pool as unknown as Pool)
    const sql = 'select /*+ max_execution_time(20) */ 1 from dual where sleep(30) = 0'
    const failure = await ask(connection, sql).catch((error: unknown) => error)
    expect(failure).toMatchObject({ errno: 3024 })
    expect([driver.classify(failure), driver.statements.isDeliberate(failure)]).toEqual([
      'statement',
      true,
    ])
    expect(await ask(connection, 'select 1 as one')).toEqual([{ one: 1 }])
    connection.release()
  })
})
