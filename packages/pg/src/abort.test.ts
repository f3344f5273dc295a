import { getEventListeners } from 'node:events'
import { eventually, type PostgresCluster, startCluster } from '@connmgr/testing'
import type { PoolClient } from 'pg'
import Cursor from 'pg-cursor'
import type { AbortableQuery } from './aborted-query.js'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'
import type { PgManagerOptions } from './manager-options.js'

let cluster: PostgresCluster
let manager: PgConnectionManager

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query('create table ledger (n int)')
})
afterAll(() => cluster.stop())
afterEach(async () => {
  await manager.close({ drainTimeoutMs: 0 })
  await cluster.primary.query('truncate ledger')
})

/** A manager that knows what a statement of the database only reads. */
async function openKnown(options: PgManagerOptions = {}): Promise<void> {
  open(options)
  await manager.use((client) => manager.driver.catalogOf(client)?.read())
}

function open(options: PgManagerOptions = {}): PgConnectionManager {
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    healthMonitoring: false,
    logger: false,
    ...options,
  })
  return manager
}

const SLEEP = 'select pg_sleep(600) /* aborted */'
const running = async (mark = '/* aborted */'): Promise<number> =>
  (
    await cluster.primary.query<{ n: number }>(
      `select count(*)::int as n from pg_stat_activity
        where state <> 'idle' and query like '%' || $1 || '%' and pid <> pg_backend_pid()`,
      [mark],
    )
  )[0]?.n ?? -1
const rows = async (): Promise<number> =>
  (await cluster.primary.query<{ n: number }>('select count(*)::int as n from ledger'))[0]?.n ?? -1
const started = (mark?: string) => eventually(async () => (await running(mark)) === 1)
const nothingLeft = (mark?: string) => eventually(async () => (await running(mark)) === 0)
const listenersOf = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length
const outcomeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => ({ value }),
    (error: unknown) => error,
  )

const reason = new Error('the caller has gone')
const ABORTED = { code: 'CONNMGR_ABORTED', name: 'AbortError', cause: reason }
const NOT_BEGUN = { code: 'CONNMGR_ACQUIRE_ABORTED', cause: reason }

describe('use with a signal', () => {
  test('that has fired already rejects at once, and connects to nothing', async () => {
    open()
    const work = jest.fn()
    const outcome = outcomeOf(manager.use(work, { signal: AbortSignal.abort(reason) }))
    expect(await outcome).toMatchObject(NOT_BEGUN)
    expect(work).not.toHaveBeenCalled()
    expect(manager.getPoolMetrics().totalConnectionsCreated).toBe(0)
  })

  test('that fires while it waits leaves the slot to the next one', async () => {
    open({ poolSize: 1, maxOverflow: 0 })
    const lease = await manager.acquire()
    const abort = new AbortController()
    const outcome = outcomeOf(manager.use(async () => {}, { signal: abort.signal }))
    const next = manager.use(async () => 'served')
    abort.abort(reason)
    expect(await outcome).toMatchObject(NOT_BEGUN)
    lease.release()
    expect(await next).toBe('served')
    expect(listenersOf(abort.signal)).toBe(0)
  })

  test('that fires while a statement runs cancels it on the server, and frees the slot', async () => {
    await openKnown({ poolSize: 1, maxOverflow: 0 })
    const abort = new AbortController()
    const outcome = outcomeOf(
      manager.use((client) => client.query(SLEEP), { signal: abort.signal }),
    )
    await started()
    abort.abort(reason)
    expect(await outcome).toMatchObject(ABORTED)
    await nothingLeft()
    expect(await manager.use(async (client) => (await client.query('select 1 as n')).rows)).toEqual(
      [{ n: 1 }],
    )
    expect(listenersOf(abort.signal)).toBe(0)
  })

  test('that fires while the work waits for something else rejects all the same', async () => {
    open()
    const abort = new AbortController()
    let kept: { query(text: string): Promise<unknown> } | undefined
    const outcome = outcomeOf(
      manager.use(
        async (client) => {
          kept = client
          await client.query('select 1')
          abort.abort(reason)
          await new Promise(() => {})
        },
        { signal: abort.signal },
      ),
    )
    expect(await outcome).toMatchObject(ABORTED)
    await expect(kept?.query('select 1')).rejects.toMatchObject({ code: 'CONNMGR_LEASE_RELEASED' })
    expect(manager.getHolders()).toEqual([])
  })

  test('tells that the outcome of a write by itself is unknown', async () => {
    await openKnown()
    const abort = new AbortController()
    const write =
      'with slow as (select pg_sleep(600)) insert into ledger select 1 from slow /* aborted */'
    const outcome = outcomeOf(
      manager.use((client) => client.query(write), { signal: abort.signal, replay: 'safe' }),
    )
    await started()
    abort.abort(reason)
    expect(await outcome).toMatchObject({ code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN' })
    await nothingLeft()
    expect(await rows()).toBe(0)
  })

  test('is never run again', async () => {
    await openKnown()
    const abort = new AbortController()
    let attempts = 0
    const outcome = outcomeOf(
      manager.use(
        (client) => {
          attempts += 1
          return client.query(SLEEP)
        },
        { signal: abort.signal, replay: 'idempotent' },
      ),
    )
    await started()
    abort.abort(reason)
    expect(await outcome).toMatchObject(ABORTED)
    expect(attempts).toBe(1)
  })

  test('ends a cursor that is open', async () => {
    await openKnown()
    const abort = new AbortController()
    const outcome = outcomeOf(
      manager.use(
        async (client) => {
          const cursor = client.query(
            new Cursor('select n, pg_sleep(n) from unnest(array[0, 600]) n /* aborted */'),
          )
          await cursor.read(1)
          await cursor.read(1)
        },
        { signal: abort.signal },
      ),
    )
    await eventually(async () => (await running()) === 1)
    abort.abort(reason)
    expect(await outcome).toMatchObject(ABORTED)
    await nothingLeft()
  })

  test('leaves no listener on a signal that lives long', async () => {
    open()
    const abort = new AbortController()
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('warning', onWarning)
    for (let n = 0; n < 30; n += 1) {
      await manager.use((client) => client.query('select 1'), { signal: abort.signal })
      await manager.transaction((client) => client.query('select 1'), { signal: abort.signal })
      await manager.pool.query({ text: 'select 1', signal: abort.signal } as AbortableQuery)
      await outcomeOf(manager.pool.query({ text: 'nonsense', signal: abort.signal }))
    }
    process.off('warning', onWarning)
    expect(listenersOf(abort.signal)).toBe(0)
    expect(warnings.map(({ name }) => name)).not.toContain('MaxListenersExceededWarning')
  })
})

describe('a transaction with a signal', () => {
  test('is rolled back when it fires, also if the work goes on', async () => {
    await openKnown()
    const abort = new AbortController()
    const outcome = outcomeOf(
      manager.transaction(
        async (client) => {
          await client.query('insert into ledger values (1)')
          await client.query(SLEEP).catch(() => {})
        },
        { signal: abort.signal },
      ),
    )
    await started()
    abort.abort(reason)
    expect(await outcome).toMatchObject(ABORTED)
    await nothingLeft()
    expect(await rows()).toBe(0)
  })

  test('says that the outcome is unknown when its COMMIT was in flight', async () => {
    open()
    const node = cluster.primary
    await node.query(`create table slow_ledger (n int);
      create function wait_long() returns trigger language plpgsql as
        $$ begin perform pg_sleep(600); return null; end $$;
      create constraint trigger wait after insert on slow_ledger deferrable initially deferred
        for each row execute function wait_long()`)
    const abort = new AbortController()
    const outcome = outcomeOf(
      manager.transaction((client) => client.query('insert into slow_ledger values (1)'), {
        signal: abort.signal,
        replay: 'safe',
      }),
    )
    await started('COMMIT')
    abort.abort(reason)
    expect(await outcome).toMatchObject({ code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN' })
    await nothingLeft('COMMIT')
    expect(await node.query('select * from slow_ledger')).toEqual([])
  })

  test('that has committed resolves, though the signal fires as its answer arrives', async () => {
    open()
    const abort = new AbortController()
    const transaction = manager.transaction(
      async (client) => {
        await client.query('insert into ledger values (1)')
        return 'done'
      },
      { signal: abort.signal },
    )
    const outcome = await outcomeOf(transaction.finally(() => abort.abort(reason)))
    expect(outcome).toEqual({ value: 'done' })
    expect(await rows()).toBe(1)
  })
})

describe.each([
  ['a connection of its own', {}],
  ['a shared lane', { shared: { lanes: 1 } }],
])('a query of a pool with a signal, on %s', (_where, options) => {
  const query = (text: string, signal: AbortSignal) => manager.pool.query({ text, signal })

  test('rejects at once if that has fired', async () => {
    open(options)
    expect(await outcomeOf(query('select 1', AbortSignal.abort(reason)))).toMatchObject(ABORTED)
    expect(manager.getPoolMetrics().totalConnectionsCreated).toBe(0)
  })

  test('is cancelled on the server, and the next one is served', async () => {
    await openKnown({ ...options, poolSize: 1, maxOverflow: 0 })
    await manager.pool.query('select 1')
    const abort = new AbortController()
    const outcome = outcomeOf(query(SLEEP, abort.signal))
    await started()
    abort.abort(reason)
    expect(await outcome).toMatchObject(ABORTED)
    await nothingLeft()
    expect((await manager.pool.query('select 2 as n')).rows).toEqual([{ n: 2 }])
    expect(listenersOf(abort.signal)).toBe(0)
  })

  test('that may have written has an unknown outcome, and is not run again', async () => {
    await openKnown(options)
    await manager.pool.query('select 1')
    const abort = new AbortController()
    const write =
      'with slow as (select pg_sleep(600)) insert into ledger select 1 from slow /* aborted */'
    const outcome = outcomeOf(
      manager.pool.query({ text: write, signal: abort.signal, replay: 'safe' }),
    )
    await started()
    abort.abort(reason)
    expect(await outcome).toMatchObject({ code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN' })
    await nothingLeft()
    expect(await rows()).toBe(0)
  })

  test('and with a callback', async () => {
    await openKnown(options)
    const abort = new AbortController()
    const reported = new Promise((resolve) => {
      manager.pool.query({ text: SLEEP, signal: abort.signal } as AbortableQuery, (error) =>
        resolve(error),
      )
    })
    await started()
    abort.abort(reason)
    expect(await reported).toMatchObject(ABORTED)
    await nothingLeft()
  })

  test('others on the same connection are served', async () => {
    await openKnown({ ...options, poolSize: 2, maxOverflow: 0 })
    await manager.pool.query('select 1')
    const abort = new AbortController()
    const outcome = outcomeOf(query(SLEEP, abort.signal))
    const others = Array.from({ length: 10 }, (_, n) =>
      manager.pool.query('select $1::int as n', [n]),
    )
    await started()
    abort.abort(reason)
    expect(await outcome).toMatchObject(ABORTED)
    expect((await Promise.all(others)).map(({ rows: [row] }) => row)).toEqual(
      Array.from({ length: 10 }, (_, n) => ({ n })),
    )
    await nothingLeft()
  })
})

describe('a query of a client with a signal', () => {
  const query = (client: PoolClient, text: string, signal: AbortSignal) =>
    client.query({ text, signal } as AbortableQuery)

  test('takes its transaction with it: COMMIT fails, and nothing is committed', async () => {
    await openKnown()
    const client = await manager.pool.connect()
    const abort = new AbortController()
    await client.query('begin')
    await client.query('insert into ledger values (1)')
    const outcome = outcomeOf(query(client, SLEEP, abort.signal))
    await started()
    abort.abort(reason)
    expect(await outcome).toMatchObject(ABORTED)
    await expect(client.query('commit')).rejects.toMatchObject({ code: 'CONNMGR_CONNECTION_LOST' })
    client.release()
    await nothingLeft()
    expect(await rows()).toBe(0)
  })

  test('that waits behind another is not sent, and the other goes on', async () => {
    open()
    const client = await manager.pool.connect()
    const abort = new AbortController()
    const first = client.query('select 1 as n, pg_sleep(0.2)')
    const outcome = outcomeOf(query(client, 'insert into ledger values (1)', abort.signal))
    abort.abort(reason)
    expect(await outcome).toMatchObject(ABORTED)
    expect((await first).rows).toMatchObject([{ n: 1 }])
    expect((await client.query('select 2 as n')).rows).toEqual([{ n: 2 }])
    client.release()
    expect(await rows()).toBe(0)
  })

  test('refuses what is no signal', async () => {
    open()
    const bad = { text: 'select 1', signal: 'now' } as never
    for (const run of [
      () => manager.pool.query(bad),
      () => manager.use((client) => client.query(bad)),
    ])
      expect(await outcomeOf(run() as Promise<unknown>)).toMatchObject({
        code: 'CONNMGR_INVALID_OPTION',
        option: 'signal',
      })
  })
})

test('connect of a pool takes a signal, a label and longLived', async () => {
  open({ poolSize: 1, maxOverflow: 0 })
  const client = await manager.pool.connect({ label: 'listener', longLived: true })
  expect(manager.getHolders()).toMatchObject([{ label: 'listener', longLived: true }])
  const abort = new AbortController()
  const outcome = outcomeOf(manager.pool.connect({ signal: abort.signal }))
  abort.abort(reason)
  expect(await outcome).toMatchObject(NOT_BEGUN)
  client.release()
  expect(await outcomeOf(manager.pool.connect({ longlived: true } as never))).toMatchObject({
    code: 'CONNMGR_INVALID_OPTION',
  })
})
