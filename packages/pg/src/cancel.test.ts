import { once } from 'node:events'
import { chmod, chown, stat, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net'
import path from 'node:path'
import {
  eventually,
  type PostgresCluster,
  startCluster,
  TEST_CERTIFICATE,
  TEST_KEY,
} from '@connmgr/testing'
import type { Client, ClientConfig } from 'pg'
import { PgDriver } from './driver.js'
import { endpointFrom } from './endpoint-config.js'

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])
const CANCEL_REQUEST = Buffer.from([0, 0, 0, 16, 4, 210, 22, 46])

const driver = new PgDriver()
const context = () => ({ signal: new AbortController().signal, onSignal: () => {} })

/** Passes everything on to a server, and keeps what clients said first. */
class Tap {
  readonly received: { first: Buffer; open: boolean }[] = []
  /** While set, what clients say on further connections is held back, as by a slow pooler. */
  hold = false
  readonly #sockets = new Set<Socket>()
  readonly #server: Server

  constructor(private readonly target: number) {
    this.#server = createServer((client) => this.#join(client))
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  close(): void {
    for (const each of this.#sockets) each.destroy()
    this.#server.close()
  }

  #join(client: Socket): void {
    const entry = { first: Buffer.alloc(0), open: true }
    this.received.push(entry)
    const server = dial(this.target, '127.0.0.1')
    for (const each of [client, server]) {
      this.#sockets.add(each)
      each.on('error', () => {})
      each.on('close', () => {
        entry.open = false
        client.destroy()
        server.destroy()
      })
    }
    client.on('data', (chunk: Buffer) => {
      entry.first = Buffer.concat([entry.first, chunk])
      if (!this.hold) server.write(chunk)
    })
    server.on('data', (chunk) => client.write(chunk))
  }
}

let cluster: PostgresCluster
let tap: Tap
let port: number

beforeAll(async () => {
  cluster = await startCluster()
  const { primary } = cluster
  const [row] = await primary.query<{ directory: string }>(
    "select current_setting('data_directory') as directory",
  )
  const directory = row?.directory as string
  const { gid, uid } = await stat(directory)
  for (const [name, text] of [
    ['server.crt', TEST_CERTIFICATE],
    ['server.key', TEST_KEY],
  ] as const) {
    const file = path.join(directory, name)
    await writeFile(file, text)
    await chmod(file, 0o600)
    await chown(file, uid, gid)
  }
  await primary.query('alter system set ssl = on')
  await primary.query('select pg_reload_conf()')
})
afterAll(() => cluster.stop())
beforeEach(async () => {
  tap = new Tap(cluster.primary.port)
  port = await tap.listen()
})
afterEach(() => tap.close())

function connect(config: ClientConfig = {}): Promise<Client> {
  const target = { host: '127.0.0.1', port, user: 'postgres', database: 'postgres', ...config }
  return driver.connect(endpointFrom('test', target), context())
}

/** Runs a statement that would not end, and resolves once the server is at it. */
async function running(client: Client): Promise<{ failed: Promise<unknown>; pid: number }> {
  const { processID: pid } = client as unknown as { processID: number }
  const failed = client.query('select pg_sleep(600)').catch((error: unknown) => error)
  await eventually(async () => {
    const rows = await cluster.primary.query(
      "select 1 from pg_stat_activity where pid = $1 and state = 'active'",
      [pid],
    )
    return rows.length === 1
  })
  return { failed, pid }
}

async function gone(pid: number): Promise<void> {
  await eventually(async () => {
    const rows = await cluster.primary.query('select 1 from pg_stat_activity where pid = $1', [pid])
    return rows.length === 0
  })
}

test('a session in clear is cancelled in clear', async () => {
  const client = await connect()
  const { failed, pid } = await running(client)
  driver.destroy(client, new Error('enough'))
  expect(await failed).toMatchObject({ cause: { message: 'Connection terminated: enough' } })
  await gone(pid)
  expect(tap.received[1]?.first.subarray(0, 8)).toEqual(CANCEL_REQUEST)
})

test('a session over TLS is cancelled over TLS: the key never goes in clear', async () => {
  const client = await connect({ ssl: { ca: TEST_CERTIFICATE } })
  const { failed, pid } = await running(client)
  const { secretKey } = client as unknown as { secretKey: number }
  driver.destroy(client)
  await failed
  await gone(pid)
  const key = Buffer.alloc(4)
  key.writeInt32BE(secretKey)
  const [, request] = tap.received
  expect(request?.first.subarray(0, 8)).toEqual(SSL_REQUEST)
  // A TLS handshake record.
  expect(request?.first[8]).toBe(0x16)
  for (const { first } of tap.received) {
    expect(first.includes(CANCEL_REQUEST)).toBe(false)
    expect(first.includes(key)).toBe(false)
  }
})

test('a server whose certificate is not the one that is trusted is sent no request', async () => {
  const client = await connect({ ssl: { ca: TEST_CERTIFICATE } })
  const { failed } = await running(client)
  // As if another server had taken its place.
  Object.assign(client, { ssl: {} })
  driver.destroy(client)
  await failed
  await eventually(() => tap.received.length >= 2 && tap.received.every(({ open }) => !open))
  for (const { first } of tap.received.slice(1)) expect(first.includes(CANCEL_REQUEST)).toBe(false)
})

test('the session stays until its request has been taken, and is dead for its users at once', async () => {
  const client = await connect()
  const { failed, pid } = await running(client)
  tap.hold = true
  driver.destroy(client)
  expect(driver.inspect(client)).toBe('broken')
  await expect(client.query('select 1')).rejects.toThrow('not queryable')
  await failed
  await eventually(() => tap.received.length >= 2)
  // The pooler has not passed the request on: nothing has been closed.
  expect(tap.received[0]?.open).toBe(true)
  // It is not waited for without end.
  await eventually(() => tap.received.every(({ open }) => !open))
  await cluster.primary.query('select pg_terminate_backend($1)', [pid])
  await gone(pid)
})

test('a session that runs nothing is cut off at once, without a request', async () => {
  const client = await connect()
  driver.destroy(client)
  await eventually(() => tap.received[0]?.open === false)
  expect(tap.received).toHaveLength(1)
})

test('a server that refuses connections changes nothing: the session goes', async () => {
  const client = await connect()
  const { failed, pid } = await running(client)
  tap.close()
  driver.destroy(client)
  await failed
  await cluster.primary.query('select pg_terminate_backend($1)', [pid])
  await gone(pid)
})

test('over a socket of the file system', async () => {
  const [row] = await cluster.primary.query<{ dirs: string }>(
    "select current_setting('unix_socket_directories') as dirs",
  )
  const directory = row?.dirs.split(',')[0]?.trim()
  if (directory === undefined || directory === '') return
  const client = await connect({ host: directory, port: cluster.primary.port })
  const { failed, pid } = await running(client)
  driver.destroy(client)
  await failed
  await gone(pid)
})
