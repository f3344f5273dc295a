import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { createConnectionManager } from '@connmgr/pg'
import pg from 'pg'

/** The primary is reached through a proxy that can be cut, so that its end needs no rights over its process. */
async function startProxy(url: URL): Promise<{ url: string; cut: () => void }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    const upstream = connect(Number(url.port), url.hostname)
    for (const each of [socket, upstream]) {
      sockets.add(each)
      each.on('error', () => {}).on('close', () => sockets.delete(each))
    }
    socket.pipe(upstream).pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const proxied = new URL(url)
  proxied.port = String((server.address() as { port: number }).port)
  const cut = (): void => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { url: proxied.href, cut }
}

async function main(): Promise<void> {
  const { DATABASE_URL = '', STANDBY_URL = '' } = process.env
  const proxy = await startProxy(new URL(DATABASE_URL))
  const manager = createConnectionManager({
    databaseUrl: proxy.url,
    failoverUrls: [STANDBY_URL],
    logger: false,
  })
  const server = 'select inet_server_port() as port, pg_is_in_recovery() as standby'
  assert.deepEqual((await manager.pool.query(server)).rows, [
    { port: Number(new URL(DATABASE_URL).port), standby: false },
  ])
  const failedOver = new Promise<void>((resolve) => {
    manager.on('failoverCompleted', () => resolve())
  })
  proxy.cut()
  const standby = new pg.Client(STANDBY_URL)
  await standby.connect()
  await standby.query('select pg_promote()')
  await standby.end()
  await failedOver
  assert.deepEqual((await manager.pool.query(server)).rows, [
    { port: Number(new URL(STANDBY_URL).port), standby: false },
  ])
  await manager.close()
}

void main()
