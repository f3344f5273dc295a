import { AsyncLocalStorage } from 'node:async_hooks'
import { eventually, type PostgresCluster, startCluster } from '@connmgr/testing'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'

let cluster: PostgresCluster
let manager: PgConnectionManager
const request = new AsyncLocalStorage<string>()
const seen = new Map<string, unknown>()
const see = (what: string): void => {
  seen.set(what, request.getStore())
}

beforeAll(async () => {
  cluster = await startCluster()
})
beforeEach(() => seen.clear())
afterEach(() => manager.close({ drainTimeoutMs: 0 }))
afterAll(() => cluster.stop())

/** A manager whose every function of the user notes the flow that it runs in. */
function open(options: object = {}): void {
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    logger: false,
    onConnect: (client) => {
      see('onConnect')
      client.on('notice', () => see('notice'))
      client.on('end', () => see('end'))
      const { connection } = client as unknown as { connection: { stream: NodeJS.EventEmitter } }
      connection.stream.on('data', () => see('data'))
      connection.stream.on('close', () => see('close'))
    },
    ...options,
  })
  manager.onAny(({ type }) => see(type))
}

test.each([[false], [true]])(
  'a connection that a request has caused to be opened is of no request, shared: %s',
  async (shared) => {
    open({ shared, poolSize: 1, maxOverflow: 0 })
    manager.pool.on('connect', () => see('pool connect'))
    await request.run('first', async () => {
      await manager.pool.query('select 1')
      await manager.pool.query("do $$ begin raise notice 'noticed'; end $$")
      await manager.use((client) => client.query('select 1'))
      expect(request.getStore()).toBe('first')
    })
    const [row] = await cluster.primary.query<{ count: string }>(
      "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name <> 'psql' and backend_type = 'client backend' and pid <> pg_backend_pid()",
    )
    expect(Number(row?.count)).toBeGreaterThan(0)
    await eventually(() => seen.has('close') && seen.has('end'))
    for (const what of ['onConnect', 'notice', 'end', 'data', 'close', 'pool connect'])
      expect([...seen.keys()]).toContain(what)
    expect([...seen].filter(([, store]) => store !== undefined)).toEqual([])
  },
)

test('nor is what listens', async () => {
  open()
  const received: unknown[] = []
  await request.run('first', () =>
    manager.listen('news', () => {
      received.push(request.getStore())
    }),
  )
  await request.run('second', async () => {
    await manager.listen('news', () => {
      received.push(request.getStore())
    })
    await manager.notify('news')
  })
  await eventually(() => received.length === 2)
  expect(received).toEqual([undefined, undefined])
})

test('a statement of a request stays its own', async () => {
  open()
  await manager.use(() => {})
  await request.run('second', async () => {
    await manager.use(async (client) => {
      await client.query('select 1')
      see('work')
      await new Promise<void>((resolve) => {
        client.query('select 1').then(() => {
          see('then')
          resolve()
        })
      })
    })
  })
  expect([seen.get('work'), seen.get('then')]).toEqual(['second', 'second'])
})
