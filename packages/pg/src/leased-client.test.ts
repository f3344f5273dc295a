import { type EventEmitter, once } from 'node:events'
import { inspect } from 'node:util'
import type { EventOf, Lease } from '@connmgr/core'
import { eventually, type PostgresCluster, startCluster } from '@connmgr/testing'
import pg, { type Client } from 'pg'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'
import type { PgManagerOptions } from './manager-options.js'

let cluster: PostgresCluster
let manager: PgConnectionManager
let misuses: EventOf<'leaseMisused'>[]

beforeAll(async () => {
  cluster = await startCluster({ hbaMethod: 'scram-sha-256' })
  await cluster.primary.query('create table rows (what text)')
})
beforeEach(() => cluster.primary.query('truncate rows'))
afterEach(() => manager.close({ drainTimeoutMs: 0 }))
afterAll(() => cluster.stop())

/** One connection, so that the next borrower has that of the last. */
function open(options: PgManagerOptions = {}): PgConnectionManager {
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    poolSize: 1,
    maxOverflow: 0,
    logger: false,
    leakDetection: { captureStack: 'always' },
    ...options,
  })
  misuses = []
  manager.on('leaseMisused', (event) => misuses.push(event))
  return manager
}

const written = async (): Promise<string[]> =>
  (await cluster.primary.query<{ what: string }>('select what from rows')).map(({ what }) => what)
const insert = (what: string) => `insert into rows values ('${what}')`
const refused = { code: 'CONNMGR_LEASE_RELEASED' }

/** Ways to come by a client that is kept after its lease, by name. */
const KEEPERS: Record<string, () => Promise<Client>> = {
  'manager.use': () => manager.use(async (client) => client),
  'manager.transaction': () => manager.transaction(async (client) => client),
  'a transaction that is rolled back': async () => {
    let kept: Client | undefined
    await manager
      .transaction(async (client) => {
        kept = client
        throw new Error('no')
      })
      .catch(() => {})
    return kept as Client
  },
  'lease.release': async () => {
    const lease = await manager.acquire()
    const { connection } = lease
    lease.release()
    return connection
  },
  'lease.destroy': async () => {
    const lease = await manager.acquire()
    const { connection } = lease
    lease.destroy()
    return connection
  },
  'lease.detach': async () => {
    const lease = await manager.acquire()
    const { connection } = lease
    await lease.detach().end()
    return connection
  },
  'await using': async () => {
    await using lease = await manager.acquire()
    return lease.connection
  },
  'client.release of the pool': async () => {
    const client = await manager.pool.connect()
    client.release()
    return client as unknown as Client
  },
  'client.release(true) of the pool': async () => {
    const client = await manager.pool.connect()
    client.release(true)
    return client as unknown as Client
  },
}

test.each(Object.keys(KEEPERS))(
  'a client kept after %s never reaches the transaction of the next borrower',
  async (keeper) => {
    open()
    const kept = await (KEEPERS[keeper] as () => Promise<Client>)()
    await manager.transaction(async (client) => {
      await client.query(insert('next'))
      await expect(kept.query(insert('kept'))).rejects.toMatchObject(refused)
      await expect(kept.query('rollback')).rejects.toMatchObject(refused)
    })
    expect(await written()).toEqual(['next'])
    expect(misuses).toHaveLength(2)
  },
)

/** Uses of a client; each settles with the error by which it is refused. */
const USES: Record<string, (client: Client) => Promise<unknown>> = {
  'a query for its promise': (client) => client.query(insert('kept')),
  'a query with values': (client) => client.query('insert into rows values ($1)', ['kept']),
  'a query by its config': (client) => client.query({ name: 'kept', text: insert('kept') }),
  'a query with a callback': (client) =>
    new Promise((resolve, reject) =>
      client.query(insert('kept'), (error, result) => (error ? reject(error) : resolve(result))),
    ),
  'a query with values and a callback': (client) =>
    new Promise((resolve, reject) =>
      client.query('insert into rows values ($1)', ['kept'], (error, result) =>
        error ? reject(error) : resolve(result),
      ),
    ),
  'a query with a callback in its config': (client) =>
    new Promise((resolve, reject) => {
      const callback = (error: Error, result: unknown): void =>
        error ? reject(error) : resolve(result)
      client.query({ text: insert('kept'), callback } as never)
    }),
  'a query object': async (client) => {
    const query = new pg.Query(insert('kept'), [])
    client.query(query as never)
    const [error] = await once(query as never, 'error').catch((thrown) => [thrown])
    throw error
  },
  'a cursor': (client) => client.query(new Cursor(`${insert('kept')} returning what`)).read(1),
  'a stream': async (client) => {
    for await (const row of client.query(new QueryStream(`${insert('kept')} returning what`)))
      return row
  },
  end: (client) => client.end(),
  'end with a callback': (client) =>
    new Promise((resolve, reject) =>
      client.end((error?: Error) => (error ? reject(error) : resolve(undefined))),
    ),
  connect: (client) => client.connect(),
  on: async (client) => client.on('notice', () => {}),
  once: async (client) => once(client as never, 'notification'),
  prependListener: async (client) => client.prependListener('error', () => {}),
  setTypeParser: async (client) => client.setTypeParser(23, () => 'mine' as never),
  getTransactionStatus: async (client) => client.getTransactionStatus(),
  ref: async (client) => (client as unknown as { ref(): void }).ref(),
  'its connection': async (client) => (client as unknown as { connection: unknown }).connection,
  'a switch': async (client) => {
    ;(client as unknown as { pipeline: boolean }).pipeline = true
  },
}

test.each(Object.keys(USES))('%s is refused after the lease', async (name) => {
  open()
  const kept = await manager.use(async (client) => client)
  const use = USES[name] as (client: Client) => Promise<unknown>
  const next = await manager.acquire()
  await expect(use(kept)).rejects.toMatchObject(refused)
  expect((await next.connection.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  next.release()
  expect(await written()).toEqual([])
  expect(misuses.length).toBeGreaterThan(0)
  expect(misuses[0]).toMatchObject({ reason: 'used-after-release' })
})

test('the event names who kept the client, who has the connection now, and the statement', async () => {
  open()
  const keep = () => manager.acquire({ label: 'keeper' })
  const kept = await keep()
  const client = kept.connection
  await client.query('select 1')
  kept.release()
  const borrow = () => manager.acquire({ label: 'borrower' })
  const next = await borrow()
  await next.connection.query('select 2')
  await expect(client.query(insert('kept'))).rejects.toMatchObject({
    ...refused,
    message: expect.stringContaining(`lease ${kept.id} was used after it had been released`),
  })
  expect(misuses).toEqual([
    {
      type: 'leaseMisused',
      pool: manager.name,
      endpoint: kept.endpoint.id,
      connectionId: kept.connectionId,
      leaseId: kept.id,
      reason: 'used-after-release',
      query: insert('kept'),
      lease: expect.objectContaining({
        leaseId: kept.id,
        label: 'keeper',
        lastQuery: 'select 1',
        queryCount: 1,
        checkedOutBy: expect.stringContaining('leased-client.test.ts'),
      }),
      holder: expect.objectContaining({ leaseId: next.id, label: 'borrower' }),
    },
  ])
  next.release()
  await client.query('select 3').catch(() => {})
  expect(misuses[1]).not.toHaveProperty('holder')
})

test('a statement that was sent or queued before the release is the borrower own, and settles', async () => {
  open()
  const lease = await manager.acquire()
  const { connection } = lease
  const sent = connection.query('select pg_sleep(0.05)')
  const queued = connection.query(insert('queued'))
  lease.release()
  await expect(Promise.all([sent, queued])).resolves.toHaveLength(2)
  await manager.pool.query('select 1')
  expect(await written()).toEqual(['queued'])
  expect(misuses).toEqual([])
})

test('a client can be released once', async () => {
  open()
  const client = await manager.pool.connect()
  client.release()
  expect(() => client.release()).toThrow('Release called on client which has already been released')
  const next = await manager.pool.connect()
  expect(() => client.release()).toThrow('Release called on client which has already been released')
  await next.query('select 1')
  next.release()
})

describe('what a borrower leaves on the client goes with it:', () => {
  const clientOf = (lease: Lease<Client>): Client => lease.entry.connection

  test('listeners of every kind, and none of others', async () => {
    open()
    const lease = await manager.acquire()
    const physical = clientOf(lease)
    const before = physical
      .eventNames()
      .map((name) => [name, physical.listenerCount(name as never)])
    const { connection: client } = lease
    const received: string[] = []
    const emitter: EventEmitter = client
    for (const event of ['notification', 'notice', 'error', 'drain', 'end']) {
      const listener = (): number => received.push(event)
      emitter.on(event, listener).once(event, listener)
      emitter.prependListener(event, listener).prependOnceListener(event, listener)
    }
    await client.query("do $$ begin raise notice 'noticed'; end $$")
    expect(received).toContain('notice')
    lease.release()
    await eventually(() => manager.getPoolMetrics().checkedIn === 1)
    received.length = 0
    expect(
      physical.eventNames().map((name) => [name, physical.listenerCount(name as never)]),
    ).toEqual(before)
    await manager.use((next) => next.query("do $$ begin raise notice 'again'; end $$"))
    expect(received).toEqual([])
  })

  test('a borrower removes its own listeners alone, by whichever name they have', async () => {
    open()
    const lease = await manager.acquire()
    const { connection: client } = lease
    const physical = clientOf(lease)
    const errors = physical.listenerCount('error')
    const listener = (): void => {}
    client.on('error', listener)
    client.once('error', listener)
    expect(client.listeners('error')).toContain(listener)
    client.removeAllListeners('error')
    expect(physical.listenerCount('error')).toBe(errors)
    client.on('error', listener).on('error', listener).off('error', listener)
    expect(physical.listenerCount('error')).toBe(errors + 1)
    client.removeAllListeners()
    expect(physical.listenerCount('error')).toBe(errors)
    expect(() => client.on('error', undefined as never)).toThrow(/listener/)
    lease.release()
    // Cleaning up late is no use of the connection.
    expect(() => client.removeListener('error', listener)).not.toThrow()
    expect(misuses).toEqual([])
  })

  test('a once listener is called once, with the handle as this', async () => {
    open()
    await manager.use(async (client) => {
      const seen: unknown[] = []
      client.once('notice', function (this: unknown) {
        seen.push(this)
      })
      await client.query("do $$ begin raise notice 'one'; raise notice 'two'; end $$")
      expect(seen).toEqual([client])
    })
  })

  test('what it listens to at the server', async () => {
    open()
    const received = jest.fn()
    await manager.use(async (client) => {
      client.on('notification', received)
      await client.query('listen jobs')
    })
    await manager.use(async (client) => {
      client.on('notification', received)
      await cluster.primary.query("select pg_notify('jobs', 'late')")
      expect((await client.query('select pg_listening_channels() as channel')).rows).toEqual([])
    })
    expect(received).not.toHaveBeenCalled()
  })

  test('type parsers, switches of the client, and methods in place of its own', async () => {
    open()
    await manager.use(async (client) => {
      client.setTypeParser(23, () => 'mine' as never)
      ;(client as unknown as { binary: boolean }).binary = true
      ;(client as unknown as { binary: boolean }).binary = false
      ;(client as unknown as { pipeline: boolean }).pipeline = true
      const { query } = client
      client.query = ((...args: [string]) => query(...args)) as never
      Object.defineProperty(client, 'end', { value: () => 'ended', configurable: true })
      expect(client.end()).toBe('ended')
      expect((await client.query('select 1::int4 as one')).rows).toEqual([{ one: 'mine' }])
    })
    await manager.use(async (client) => {
      expect((client as unknown as { pipeline: boolean }).pipeline).toBe(false)
      expect((await client.query('select 1::int4 as one')).rows).toEqual([{ one: 1 }])
      expect(client.end).toBeInstanceOf(Function)
      expect(String(client.end)).not.toContain('ended')
    })
  })

  test('but for flags, which are of the physical connection', async () => {
    open()
    await manager.use(async (client) => Object.assign(client, { initialized: true }))
    await manager.use(async (client) => {
      expect(client).toHaveProperty('initialized', true)
      delete (client as { initialized?: boolean }).initialized
    })
    await manager.use(async (client) => expect(client).not.toHaveProperty('initialized'))
  })
})

test('a handle is a pg.Client, and shows no password', async () => {
  open()
  await manager.use(async (client) => {
    expect(client).toBeInstanceOf(pg.Client)
    expect(client.constructor).toBe(pg.Client)
    expect('query' in client).toBe(true)
    expect(client.escapeIdentifier('a')).toBe('"a"')
    expect(typeof (client as { then?: unknown }).then).toBe('undefined')
    expect(inspect(client, { depth: 8, showHidden: false })).not.toContain('postgres-secret')
    expect(JSON.stringify(Object.keys(client))).not.toContain('password')
  })
})

test('an object that inherits from the handle uses and fences the same client', async () => {
  open()
  let kept: Client | undefined
  await manager.use(async (client) => {
    kept = Object.create(client) as Client
    expect((await kept.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })
  await expect((kept as Client).query(insert('kept'))).rejects.toMatchObject(refused)
})

test('a listener of the pool that sets up each connection does so for all borrowers, also after a reset', async () => {
  open()
  manager.pool.on('connect', (client) => {
    void client.query("set search_path to 'first', 'public'")
    void client.query("select set_config('app.name', $1, false)", ['shop'])
  })
  const settings = async () =>
    (
      await manager.pool.query(
        "select current_setting('search_path') as path, current_setting('app.name', true) as name",
      )
    ).rows
  const expected = [{ path: 'first, public', name: 'shop' }]
  expect(await settings()).toEqual(expected)
  for (let n = 0; n < 3; n += 1) {
    const client = await manager.pool.connect()
    await client.query("set search_path to 'elsewhere'")
    await client.query("set app.name to 'other'")
    client.release()
    expect(await settings()).toEqual(expected)
  }
  expect(manager.getPoolMetrics().totalConnectionsCreated).toBe(1)
})
