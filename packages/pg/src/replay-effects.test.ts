import { AsyncResource } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import { type PostgresCluster, startCluster } from '@connmgr/testing'
import type { Client, PoolClient } from 'pg'
import { catalogRead } from '../test/known-catalog.js'
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
const insert = (client: Client, id: number) => client.query('insert into ledger values ($1)', [id])
const pidOf = (client: Client) => (client as unknown as { processID: number }).processID
const terminate = (client: Client) =>
  cluster.primary.query('select pg_terminate_backend($1)', [pidOf(client)])

describe('what has been written by itself', () => {
  test('keeps the work of use() from being run again', async () => {
    open()
    const attempts: number[] = []
    const running = manager.use(
      async (client, _lease, attempt) => {
        attempts.push(attempt)
        await insert(client, attempt)
        await terminate(client)
        await client.query('select 1')
      },
      { replay: 'safe' },
    )
    await expect(running).rejects.toMatchObject({ code: 'CONNMGR_CONNECTION_LOST' })
    expect(attempts).toEqual([1])
    expect(await rows()).toEqual([{ id: 1 }])
  })

  test.each([[false], [true]])(
    'by pool.query keeps that of replay(), shared: %s',
    async (shared) => {
      open({ shared })
      const attempts: number[] = []
      const running = manager.replay(async (attempt) => {
        attempts.push(attempt)
        await manager.pool.query('insert into ledger values ($1)', [attempt])
        throw Object.assign(new Error('deadlock detected'), { code: '40P01' })
      })
      await expect(running).rejects.toThrow('deadlock detected')
      expect(attempts).toEqual([1])
    },
  )

  test('does not if it failed, was rolled back or only read', async () => {
    open()
    await catalogRead(manager.pool)
    const attempts: number[] = []
    await manager.replay(async (attempt) => {
      attempts.push(attempt)
      await manager.pool.query('select count(*) from ledger')
      await manager.pool.query('insert into ledger values (1 / 0)').catch(() => {})
      const client = await manager.pool.connect()
      await client.query('begin')
      await client.query('insert into ledger values (1)')
      await client.query('rollback')
      client.release()
      if (attempt === 1) throw Object.assign(new Error('deadlock detected'), { code: '40P01' })
    })
    expect(attempts).toEqual([1, 2])
  })
})

test.each([[false], [true]])(
  'what goes on of an attempt that has failed writes nothing beside the next one, shared: %s',
  async (shared) => {
    open({ shared })
    await catalogRead(manager.pool)
    const fates: string[] = []
    let letGo = (): void => {}
    const failed = new Promise<void>((resolve) => {
      letGo = resolve
    })
    const noted = (what: string, write: () => Promise<unknown>) =>
      failed.then(write).then(
        () => fates.push(`${what} done`),
        (error: { code: string }) => fates.push(`${what} ${error.code}`),
      )
    let stragglers: Promise<unknown> = Promise.resolve()
    await manager.replay(async (attempt) => {
      if (attempt > 1) {
        letGo()
        await stragglers
        return
      }
      const client = await manager.pool.connect()
      await client.query('begin')
      await client.query('insert into ledger values (1)')
      stragglers = Promise.all([
        noted('commit', () => client.query('commit')),
        noted(
          'callback',
          () =>
            new Promise((resolve, reject) => {
              client.query('commit', (error) => (error ? reject(error) : resolve(undefined)))
            }),
        ),
        noted('pool.query', () => manager.pool.query('insert into ledger values (2)')),
        noted('a read', () => manager.pool.query('select 1')),
      ]).finally(() => client.release())
      throw Object.assign(new Error('deadlock detected'), { code: '40P01' })
    })
    expect(fates.sort()).toEqual([
      'a read done',
      'callback CONNMGR_CONNECTION_LOST',
      'commit CONNMGR_CONNECTION_LOST',
      'pool.query CONNMGR_CONNECTION_LOST',
    ])
    expect(await rows()).toEqual([])
  },
)

describe('once a unit of work has ended', () => {
  const conflict = () => Object.assign(new Error('deadlock detected'), { code: '40P01' })

  test('what an attempt had begun to write in a transaction is still not committed', async () => {
    open()
    const clients: PoolClient[] = []
    await manager.replay(async (attempt) => {
      if (attempt > 1) return
      const client = await manager.pool.connect()
      clients.push(client)
      await client.query('begin')
      await client.query('insert into ledger values (1)')
      throw conflict()
    })
    const [client] = clients as [PoolClient]
    await expect(client.query('commit')).rejects.toMatchObject({ code: 'CONNMGR_CONNECTION_LOST' })
    await client.query('rollback')
    // Of the connection itself nothing is wrong, nor of what is written on it after that.
    await client.query('begin')
    await client.query('insert into ledger values (2)')
    await client.query('commit')
    await client.query('insert into ledger values (3)')
    client.release()
    expect(await rows()).toEqual([{ id: 2 }, { id: 3 }])
  })

  test.each([[false], [true]])(
    'singletons that were made in it, timers and listeners write as they like, shared: %s',
    async (shared) => {
      open({ shared })
      const emitter = new EventEmitter()
      /** Gathers what is to be written, and writes it by a loop of its own. */
      class Journal {
        readonly pending: number[] = []
        wake = (): void => {}
        readonly done: Promise<void>

        constructor() {
          this.done = this.#run()
        }

        async #run(): Promise<void> {
          await new Promise<void>((resolve) => {
            this.wake = resolve
          })
          for (const id of this.pending)
            await manager.pool.query('insert into ledger values ($1)', [id])
        }
      }
      const journals: Journal[] = []
      const timers: Promise<unknown>[] = []
      let fire = (): void => {}
      const due = new Promise<void>((resolve) => {
        fire = resolve
      })
      await manager.replay(async (attempt) => {
        if (attempt > 1) return
        journals.push(new Journal())
        timers.push(due.then(() => manager.pool.query('insert into ledger values (20)')))
        emitter.on('write', (done) =>
          done(manager.transaction((client) => client.query('insert into ledger values (30)'))),
        )
        throw conflict()
      })
      const [journal] = journals as [Journal]
      journal.pending.push(10)
      journal.wake()
      fire()
      const heard = new Promise((resolve) => emitter.emit('write', resolve))
      await Promise.all([journal.done, ...timers, heard])
      expect(await rows()).toEqual([{ id: 10 }, { id: 20 }, { id: 30 }])
    },
  )

  test('a later unit does not count what a singleton of an earlier one writes', async () => {
    open()
    let write = async (): Promise<unknown> => undefined
    await manager.replay(async () => {
      write = AsyncResource.bind(() => manager.pool.query('insert into ledger values (1)'))
    })
    const attempts: number[] = []
    await manager.replay(async (attempt) => {
      attempts.push(attempt)
      await write()
      if (attempt === 1) throw conflict()
    })
    expect(attempts).toEqual([1, 2])
    expect(await rows()).toEqual([{ id: 1 }, { id: 1 }])
  })
})
