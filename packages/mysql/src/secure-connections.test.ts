import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  describeEachProduct,
  eventually,
  MYSQL_PASSWORDS,
  type MysqlCluster,
  Opened,
  TEST_CERTIFICATE,
  TEST_KEY,
} from '@connmgr/testing'
import type { Pool } from 'mysql2'
import { ask, borrow } from '../test/asking.js'
import type { MysqlConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'
import type { MysqlManagerOptions } from './manager-options.js'
import { ManagedPool } from './pool/managed-pool.js'

describeEachProduct('a server that speaks TLS, and has a socket on this machine', ({ start }) => {
  let cluster: MysqlCluster
  let directory: string
  let certificate: string
  let socket: string
  const opened = new Opened()

  beforeAll(async () => {
    directory = mkdtempSync(path.join(tmpdir(), 'connmgr-tls-'))
    certificate = path.join(directory, 'certificate.pem')
    const key = path.join(directory, 'key.pem')
    socket = path.join(directory, 'server.sock')
    writeFileSync(certificate, TEST_CERTIFICATE)
    writeFileSync(key, TEST_KEY, { mode: 0o600 })
    cluster = await start({
      settings: { 'ssl-cert': certificate, 'ssl-key': key, socket },
    })
    await cluster.primary.query(
      "create user guarded@'%' identified by 'guarded-secret' require ssl",
    )
    await cluster.primary.query('grant all on app.* to guarded')
  })
  afterEach(() => opened.close())
  afterAll(async () => {
    await cluster?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  const open = (
    parameters: string,
    more: MysqlManagerOptions = {},
    account = { user: 'guarded', password: 'guarded-secret' },
  ): MysqlConnectionManager =>
    opened.add(
      createConnectionManager({
        databaseUrl: `${cluster.primary.url(account)}${parameters}`,
        logger: false,
        connectTimeoutMs: 5000,
        ...more,
      }),
    )
  const cipher = async (manager: MysqlConnectionManager): Promise<unknown> =>
    (await ask(manager.pool as unknown as Pool, "show session status like 'Ssl_cipher'"))[0]?.Value
  const runningOn = async (sql: string): Promise<number> =>
    (
      await cluster.primary.query('select 1 from information_schema.processlist where info = ?', [
        sql,
      ])
    ).length
  /** Runs a statement, and destroys its connection. */
  const destroyDuring = async (manager: MysqlConnectionManager, sql: string): Promise<void> => {
    const connection = await borrow(manager.pool as unknown as Pool)
    const failure = ask(connection, sql).catch((error: { code: string }) => error.code)
    await eventually(async () => (await runningOn(sql)) === 1)
    connection.destroy()
    expect(await failure).toBe('CONNMGR_CONNECTION_LOST')
  }

  test('logs in with what is asked of its certificate, in the words of each program', async () => {
    const file = encodeURIComponent(certificate)
    for (const parameters of [
      '?ssl-mode=required',
      `?ssl-mode=verify_ca&ssl-ca=${file}`,
      `?ssl-mode=verify_identity&ssl-ca=${file}`,
      `?sslmode=verify-full&sslcert=${file}`,
      '?sslaccept=accept_invalid_certs',
      `?ssl=${encodeURIComponent('{"rejectUnauthorized":false}')}`,
    ])
      expect(await cipher(open(parameters))).toMatch(/\w{5}/)
  })

  test('logs in with the options of mysql2, also by its pool, and for its probes', async () => {
    const ssl = { ca: TEST_CERTIFICATE, verifyIdentity: true }
    const manager = open('', { ssl })
    expect(await cipher(manager)).toMatch(/\w{5}/)
    expect(await manager.checkHealth()).toMatchObject({ healthy: true })
    const uri = cluster.primary.url({ user: 'guarded', password: 'guarded-secret' })
    const pool = opened.add(new ManagedPool({ uri, ssl, logger: false }).$connections)
    expect(await cipher(pool)).toMatch(/\w{5}/)
  })

  test('refuses a server whose certificate is of another authority, and says so', async () => {
    const failure = await open('?ssl-mode=verify_ca', { acquireTimeoutMs: 5000 })
      .use(() => {})
      .catch((error: Error) => error)
    expect(failure).toBeInstanceOf(Error)
    expect(String((failure as Error).cause ?? failure)).toMatch(/self-signed certificate/)
    expect(JSON.stringify(failure)).not.toContain('guarded-secret')
  })

  test('is refused without TLS by a server that requires it, as with a wrong password', async () => {
    await expect(open('').use(() => {})).rejects.toMatchObject({
      cause: expect.objectContaining({ errno: 1045 }),
    })
    expect(await cipher(open('', {}, { user: 'app', password: 'app-secret' }))).toBe('')
  })

  test('ends a statement over a second login, encrypted as the first', async () => {
    const sql = 'select sleep(40) /* over TLS */'
    await destroyDuring(open('', { ssl: { ca: TEST_CERTIFICATE, verifyIdentity: true } }), sql)
    await eventually(async () => (await runningOn(sql)) === 0)
  })

  test('is reached over its socket, by an option or in the URL, and statements are ended over it', async () => {
    const { app: password } = MYSQL_PASSWORDS
    const managers = [
      createConnectionManager({
        socketPath: socket,
        user: 'app',
        password,
        database: 'app',
        logger: false,
      }),
      createConnectionManager({
        databaseUrl: `mysql://app:${password}@localhost/app?socket=${encodeURIComponent(socket)}`,
        logger: false,
      }),
    ]
    for (const [index, manager] of managers.entries()) {
      opened.add(manager)
      const [row] = await ask(
        manager.pool as unknown as Pool,
        'select host from information_schema.processlist where id = connection_id()',
      )
      expect(row).toEqual({ host: 'localhost' })
      expect(manager.preferred.id).toBe(`${socket}:app`)
      const sql = `select sleep(40) /* over the socket ${index} */`
      await destroyDuring(manager, sql)
      await eventually(async () => (await runningOn(sql)) === 0)
    }
  })
})
