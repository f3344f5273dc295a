import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import {
  eventually,
  FakeClock,
  type PostgresCluster,
  patient,
  startCluster,
} from '@connmgr/testing'
import express from 'express'
import fastify from 'fastify'
import { fastifyHealth, type HealthHandlers, healthHandlers } from './index.js'

let cluster: PostgresCluster
let manager: PgConnectionManager
let stopped: boolean

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())
beforeEach(async () => {
  stopped = false
  manager = createConnectionManager({ databaseUrl: cluster.primary.url(), logger: false })
  await manager.ready({ timeoutMs: patient(20_000) })
})
afterEach(async () => {
  stopped = true
  await manager.close({ drainTimeoutMs: 0 })
})

/** A server with probes, a route that takes a while, and a close of its own. */
interface App {
  readonly url: string
  close(): Promise<unknown>
}

const slow = async (): Promise<unknown> =>
  (await manager.pool.query('select pg_sleep(0.5), 1 as id')).rows

async function listen(listener: RequestListener): Promise<App> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(resolve)),
  }
}

const APPS: Record<string, (health: HealthHandlers) => Promise<App>> = {
  'node:http': ({ live, ready }) =>
    listen(async (request, response) => {
      if (request.url === '/livez') live(request, response)
      else if (request.url === '/readyz') ready(request, response)
      else response.end(JSON.stringify(await slow()))
    }),
  Express: ({ live, ready }) => {
    const app = express()
    app.get('/livez', live)
    app.get('/readyz', ready)
    app.get('/slow', async (_request, response) => void response.json(await slow()))
    return listen(app)
  },
  Fastify: async (handlers) => {
    const app = fastify()
    app.register(fastifyHealth, { handlers })
    app.get('/slow', slow)
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    return { url, close: () => app.close() }
  },
}

test.each(Object.entries(APPS))(
  'over %s no request fails: readiness, wait, server, manager',
  async (_name, start) => {
    const clock = new FakeClock()
    const health = healthHandlers(manager, { clock })
    const app = await start(health)
    const get = (path: string) => fetch(app.url + path, { headers: { connection: 'close' } })
    expect((await get('/readyz')).status).toBe(200)

    const statuses: number[] = []
    // A balancer goes on until a probe of readiness has failed.
    const balance = async () => {
      do statuses.push((await get('/slow')).status)
      while (!stopped && (await get('/readyz')).status === 200)
    }
    const load = Promise.all([balance(), balance(), balance()])
    await eventually(() => manager.getPoolMetrics().checkedOut > 0)

    let over = false
    const waited = health.shutdown({ delayMs: 5000 }).then(() => {
      over = true
    })
    expect((await get('/livez')).status).toBe(200)
    await load
    // The balancer has turned away, and what reaches the process all the same is served, also while the server closes.
    const late = get('/slow')
    await eventually(() => manager.getPoolMetrics().checkedOut > 0)
    await clock.advance(4999)
    expect(over).toBe(false)
    await clock.advance(1)
    await waited
    const [{ status }] = await Promise.all([late, app.close()])
    expect([...new Set([...statuses, status])]).toEqual([200])
    const closed = new Promise<readonly unknown[]>((resolve) => {
      manager.on('poolClosed', ({ stragglers }) => resolve(stragglers))
    })
    await manager.close({ drainTimeoutMs: 10_000 })
    expect(await closed).toEqual([])
  },
)

test('a manager that closes first makes readiness fail before any request does', async () => {
  const health = healthHandlers(manager)
  const lease = await manager.acquire()
  const closing = manager.close({ drainTimeoutMs: patient(10_000) })
  expect(health.ready.fetch(new Request('http://x/')).status).toBe(503)
  expect(health.live.fetch(new Request('http://x/')).status).toBe(200)
  // What holds a connection finishes with it.
  expect((await lease.connection.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  lease.release()
  await closing
})
