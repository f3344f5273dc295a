import { eventually, type PostgresCluster, patient, startCluster } from '@connmgr/testing'
import type { Client } from 'pg'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'
import type { PgManagerOptions } from './manager-options.js'

let cluster: PostgresCluster
let manager: PgConnectionManager

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query('create table ledger (id int)')
})
beforeEach(() => cluster.primary.query('truncate ledger'))
afterEach(() => manager.close({ drainTimeoutMs: 0 }))
afterAll(() => cluster.stop())

function open(options: PgManagerOptions = {}): PgConnectionManager {
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    logger: false,
    ...options,
  })
  return manager
}

const rows = () => cluster.primary.query<{ id: number }>('select id from ledger order by id')
const pidOf = (client: Client) => (client as unknown as { processID: number }).processID
const closed = (reason?: string) =>
  new Promise<void>((resolve) => {
    const stop = manager.on('connectionClosed', (event) => {
      if (reason !== undefined && event.reason !== reason) return
      stop()
      resolve()
    })
  })

/** Runs a transaction that is to end on purpose, in both modes; resolves with what it has rejected with. */
async function runs(
  work: (client: Client, destroy: () => void) => Promise<unknown>,
): Promise<unknown[]> {
  const failures: unknown[] = []
  for (const replay of ['safe', 'idempotent'] as const) {
    let attempts = 0
    const running = manager.transaction(
      async (client, lease) => {
        attempts += 1
        await client.query('insert into ledger values (1)')
        return work(client, () => lease.destroy(new Error('enough')))
      },
      { replay },
    )
    failures.push(
      await running.then(
        () => 'resolved',
        (error: unknown) => error,
      ),
    )
    expect(attempts).toBe(1)
  }
  expect(manager.getReplayStats()).toMatchObject({ replays: 0 })
  expect(await rows()).toEqual([])
  return failures
}

const LOST = { code: 'CONNMGR_CONNECTION_LOST' }
const sleep = (client: Client) => client.query('select pg_sleep(60)')

describe('a transaction that is ended on purpose is run once', () => {
  test('by queryTimeoutMs', async () => {
    open({ queryTimeoutMs: patient(200) })
    expect(await runs(sleep)).toMatchObject([LOST, LOST])
  })

  test('by query_timeout of node-postgres', async () => {
    open({ clientConfig: { query_timeout: patient(200) } })
    expect(await runs(sleep)).toMatchObject([LOST, LOST])
  })

  test("by the server's limit on a statement", async () => {
    open({ clientConfig: { statement_timeout: patient(200) } })
    expect(await runs(sleep)).toMatchObject([{ code: '57014' }, { code: '57014' }])
  })

  test.each(['idle_in_transaction_session_timeout', 'transaction_timeout'])(
    "by the server's limit %s, while nothing runs",
    async (setting) => {
      open()
      const idle = async (client: Client): Promise<unknown> => {
        const gone = closed()
        await client.query(`set local ${setting} = 100`)
        await gone
        return client.query('insert into ledger values (2)')
      }
      expect(await runs(idle)).toMatchObject([LOST, LOST])
      const silent = async (client: Client): Promise<unknown> => {
        const gone = closed()
        await client.query(`set local ${setting} = 100`)
        return gone
      }
      expect(await runs(silent)).toMatchObject([LOST, LOST])
    },
  )

  test('by transaction_timeout under a statement', async () => {
    open()
    const slow = async (client: Client): Promise<unknown> => {
      await client.query('set local transaction_timeout = 100')
      return sleep(client)
    }
    expect(await runs(slow)).toMatchObject([LOST, LOST])
  })

  test('by the end of its lease', async () => {
    open()
    const failures = await runs((client, destroy) => {
      const sleeping = sleep(client)
      destroy()
      return sleeping
    })
    for (const failure of failures) expect(failure).toBeInstanceOf(Error)
  })

  test('as its manager closes', async () => {
    open()
    let closing: Promise<void> = Promise.resolve()
    let attempts = 0
    const running = manager.transaction(
      async (client) => {
        attempts += 1
        const sleeping = sleep(client)
        closing = manager.close({ drainTimeoutMs: patient(50) })
        return sleeping
      },
      { replay: 'safe' },
    )
    await expect(running).rejects.toMatchObject(LOST)
    await closing
    expect(attempts).toBe(1)
    expect(manager.getReplayStats()).toMatchObject({ replays: 0 })
  })
})

test.each([[false], [true]])(
  'a single statement that took too long is run once, shared: %s',
  async (shared) => {
    open({ shared, replayStatements: 'safe', queryTimeoutMs: patient(300) })
    const text = 'select pg_sleep(60)'
    for (const query of [
      text,
      { text, query_timeout: patient(200) },
      { text, replay: 'idempotent' as const },
    ])
      await expect(manager.pool.query(query as never)).rejects.toMatchObject(LOST)
    expect(manager.getReplayStats()).toMatchObject({ replays: 0 })
  },
)

test('an error of the work is not repeated as its connection was lost while it was idle', async () => {
  open()
  const failures = await runs(async (client) => {
    const gone = closed()
    await cluster.primary.query('select pg_terminate_backend($1)', [pidOf(client)])
    await gone
    throw Object.assign(new Error('the shop is closed'), { code: 'ECONNRESET' })
  })
  expect(failures).toMatchObject([
    { message: 'the shop is closed' },
    { message: 'the shop is closed' },
  ])
})

describe('a writer that was made outside of the work', () => {
  /** Gathers what is to be written within one turn, and writes it in the flow that has made it. */
  class Batch {
    #pending: { client: Client; id: number; done: () => void }[] = []
    #wake = (): void => {}

    constructor() {
      void this.#run()
    }

    write(client: Client, id: number): Promise<void> {
      return new Promise((done) => {
        this.#pending.push({ client, id, done })
        this.#wake()
      })
    }

    async #run(): Promise<void> {
      for (;;) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        for (const { client, id, done } of this.#pending.splice(0)) {
          await client.query('insert into ledger values ($1)', [id])
          done()
        }
      }
    }
  }

  test('writes for the unit whose connection it uses, which is not run again then', async () => {
    open()
    const batch = new Batch()
    let attempts = 0
    await expect(
      manager.use(
        async (client) => {
          attempts += 1
          await batch.write(client, attempts)
          throw Object.assign(new Error('deadlock detected'), { code: '40P01' })
        },
        { replay: 'safe' },
      ),
    ).rejects.toThrow('deadlock')
    expect(attempts).toBe(1)
    expect(await rows()).toEqual([{ id: 1 }])
  })

  test('in a transaction writes nothing that stays, so that is', async () => {
    open()
    const batch = new Batch()
    await manager.transaction(
      async (client, _lease, attempt) => {
        await batch.write(client, attempt)
        if (attempt === 1) throw Object.assign(new Error('deadlock detected'), { code: '40P01' })
      },
      { replay: 'safe' },
    )
    expect(await rows()).toEqual([{ id: 2 }])
  })
})

describe('what a call is given', () => {
  test('never reaches SQL but from a list', async () => {
    open()
    const harmful = 'serializable; drop table ledger; begin' as 'serializable'
    for (const options of [
      { isolation: harmful },
      { isolation: harmful, replay: 'safe' as const },
      { isolation: ['serializable; drop table ledger'] as unknown as 'serializable' },
    ])
      await expect(manager.transaction(async () => {}, options)).rejects.toMatchObject({
        code: 'CONNMGR_INVALID_OPTION',
        option: 'isolation',
      })
    expect(await rows()).toEqual([])
  })

  test.each(['read uncommitted', 'read committed', 'repeatable read', 'serializable'] as const)(
    'asks for %s',
    async (isolation) => {
      open()
      const { rows: found } = await manager.transaction(
        (client) => client.query('show transaction_isolation'),
        { isolation, readOnly: true },
      )
      expect(found).toEqual([{ transaction_isolation: isolation }])
    },
  )

  test('to a query of a pool is checked, but for the names of others', async () => {
    open()
    const query = (config: object) => manager.pool.query({ text: 'select 1 as one', ...config })
    for (const [option, config] of [
      ['replay', { replay: 'always' }],
      ['deadlineMs', { deadlineMs: -1 }],
      ['deadlineMs', { replay: 'safe', deadlineMs: '5' }],
      ['repaly', { repaly: 'safe' }],
      ['deadline', { deadline: 5 }],
    ] as const)
      await expect(query(config)).rejects.toMatchObject({ code: 'CONNMGR_INVALID_OPTION', option })
    expect((await query({ replay: 'safe', __knexUid: 'x', bindings: [] })).rows).toEqual([
      { one: 1 },
    ])
    await eventually(() => manager.getCounts().inUse === 0)
  })

  test('to listen is checked', async () => {
    open()
    const nothing = () => {}
    for (const [option, call] of [
      ['timeoutMs', () => manager.listen('c', nothing, { timeoutMs: -1 })],
      ['onGap', () => manager.listen('c', nothing, { onGap: 5 as never })],
      ['onGapp', () => manager.listen('c', nothing, { onGapp: nothing } as object)],
      ['onNotification', () => manager.listen('c', undefined as never)],
      ['channel', () => manager.notify('')],
      ['payload', () => manager.notify('c', 5 as never)],
    ] as const)
      await expect(call()).rejects.toMatchObject({ code: 'CONNMGR_INVALID_OPTION', option })
  })
})
