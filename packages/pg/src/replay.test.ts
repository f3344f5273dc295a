import {
  eventually,
  type FaultProxy,
  type PostgresCluster,
  type PostgresNode,
  patient,
  startCluster,
  startFaultProxy,
} from '@connmgr/testing'
import type { Client } from 'pg'
import { catalogRead } from '../test/known-catalog.js'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'
import { ManagedPool } from './managed-pool.js'
import type { PgManagerOptions } from './manager-options.js'

let cluster: PostgresCluster
let proxy: FaultProxy
let manager: PgConnectionManager

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query('create table ledger (id int)')
})
beforeEach(async () => {
  await cluster.primary.query('truncate ledger')
  proxy = await startFaultProxy({ target: cluster.primary })
})
afterEach(async () => {
  await manager.close({ drainTimeoutMs: 0 })
  await proxy.close()
})
afterAll(() => cluster.stop())

function open(options: PgManagerOptions = {}): PgConnectionManager {
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url().replace(`:${cluster.primary.port}`, `:${proxy.port}`),
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

describe('a safe transaction', () => {
  test('whose backend is terminated under a statement, or between two, is run again and written once', async () => {
    open()
    const attempts: number[] = []
    const result = await manager.transaction(
      async (client, _lease, attempt) => {
        attempts.push(attempt)
        await insert(client, attempt)
        if (attempt === 1) {
          const sleeping = client.query('select pg_sleep(60)')
          await terminate(client)
          await sleeping
        } else if (attempt === 2) await terminate(client)
        await client.query('select 1')
        return attempt
      },
      { replay: 'safe' },
    )
    expect(result).toBe(3)
    expect(attempts).toEqual([1, 2, 3])
    expect(await rows()).toEqual([{ id: 3 }])
    expect(manager.getReplayStats()).toMatchObject({ replays: 2, recovered: 1 })
  })

  test('goes on where a serialization failure and a deadlock end it', async () => {
    open()
    await cluster.primary.query('insert into ledger values (0)')
    let waiting = 0
    let letGo = (): void => {}
    const together = new Promise<void>((resolve) => {
      letGo = resolve
    })
    const increment = () =>
      manager.transaction(
        async (client) => {
          const { rows: found } = await client.query('select id from ledger')
          waiting += 1
          if (waiting >= 3) letGo()
          await together
          await client.query('update ledger set id = $1', [found[0].id + 1])
        },
        { replay: 'safe', isolation: 'serializable' },
      )
    await Promise.all([increment(), increment(), increment()])
    expect(await rows()).toEqual([{ id: 3 }])
  })

  test('whose COMMIT is cut off is not run again, and says that its outcome is unknown', async () => {
    open()
    await cluster.primary.query(`
      create or replace function dawdle() returns trigger language plpgsql as $$
        begin if new.id = 13 then perform pg_sleep(60); end if; return null; end $$;
      create constraint trigger dawdle after insert on ledger deferrable initially deferred
        for each row execute function dawdle()`)
    let attempts = 0
    const running = manager.transaction(
      (client) => {
        attempts += 1
        return insert(client, 13)
      },
      { replay: 'safe' },
    )
    const rejected = expect(running).rejects.toMatchObject({
      code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN',
      sqlState: '08007',
    })
    await eventually(
      async () =>
        (
          await cluster.primary.query(
            "select 1 from pg_stat_activity where query = 'COMMIT' and wait_event = 'PgSleep'",
          )
        ).length === 1,
    )
    proxy.reset()
    await rejected
    expect(attempts).toBe(1)
    await cluster.primary.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'",
    )
    await cluster.primary.query('drop trigger dawdle on ledger')
  })

  test('whose COMMIT was answered into the void is found to be committed by its transaction id', async () => {
    open()
    let xid = ''
    let attempts = 0
    const result = await manager.transaction(
      async (client) => {
        attempts += 1
        await insert(client, 7)
        const { rows: found } = await client.query('select pg_current_xact_id()::text as xid')
        xid = found[0].xid
        proxy.blackHole('to-client')
        const cut = async () => {
          await eventually(
            async () =>
              (await cluster.primary.query('select pg_xact_status($1::xid8) as status', [xid]))[0]
                ?.status === 'committed',
          )
          await proxy.heal()
          proxy.reset()
        }
        void cut()
        return 'written'
      },
      {
        replay: 'safe',
        outcome: async () => {
          const { rows: found } = await manager.pool.query(
            'select pg_xact_status($1::xid8) as status',
            [xid],
          )
          return found[0].status === 'committed' ? 'committed' : 'unknown'
        },
      },
    )
    expect(result).toBe('written')
    expect(attempts).toBe(1)
    expect(await rows()).toEqual([{ id: 7 }])
    expect(manager.getReplayStats()).toMatchObject({ resolved: 1, replays: 0 })
  })
})

describe('a single statement', () => {
  /** Terminates the backend that runs a marked statement, as often as there is one. */
  async function terminateMarked(times: number): Promise<void> {
    let count = 0
    await eventually(async () => {
      const killed = await cluster.primary.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where query like '%* marked *%' and pid <> pg_backend_pid() and wait_event = 'PgSleep'`,
      )
      count += killed.length
      return count >= times
    })
  }

  test.each([[false], [true]])(
    'that is safe is run again and written once, shared: %s',
    async (shared) => {
      open({ shared })
      const running = manager.pool.query({
        text: 'insert into ledger select $1::int from pg_sleep(0.3) /* marked */',
        values: [5],
        replay: 'safe',
      })
      await terminateMarked(2)
      await running
      expect(await rows()).toEqual([{ id: 5 }])
      expect(manager.getReplayStats()).toMatchObject({ replays: 2, recovered: 1 })
    },
  )

  test('is not run again unless it or the manager says so', async () => {
    open()
    await catalogRead(manager.pool)
    const running = expect(
      manager.pool.query('select pg_sleep(60) /* marked */'),
    ).rejects.toMatchObject({ code: 'CONNMGR_CONNECTION_LOST' })
    await terminateMarked(1)
    await running
    await manager.close()
    open({ replayStatements: 'safe' })
    const again = manager.pool.query('select pg_sleep(0.3) /* marked */')
    await terminateMarked(1)
    await again
    const never = expect(
      manager.pool.query({ text: 'select pg_sleep(60) /* marked */', replay: 'never' }),
    ).rejects.toMatchObject({ code: 'CONNMGR_CONNECTION_LOST' })
    await terminateMarked(1)
    await never
  })

  test('that writes and is cut off by the network is never run again', async () => {
    open()
    const running = expect(
      manager.pool.query({
        text: 'insert into ledger select 9 from pg_sleep(1) /* marked */',
        replay: 'safe',
      }),
    ).rejects.toMatchObject({ code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN' })
    await eventually(
      async () =>
        (
          await cluster.primary.query(
            "select 1 from pg_stat_activity where query like '%* marked *%' and wait_event = 'PgSleep'",
          )
        ).length > 0,
    )
    proxy.reset()
    await running
    await eventually(async () => (await rows()).length === 1)
  })

  test('refuses a mode that there is not', async () => {
    open()
    await expect(
      manager.pool.query({ text: 'select 1', replay: 'always' as 'safe' }),
    ).rejects.toMatchObject({ code: 'CONNMGR_INVALID_OPTION', option: 'replay' })
    expect(() => open({ replayStatements: 'always' as 'safe' })).toThrow(/replayStatements/)
    const pool = new ManagedPool({
      connectionString: cluster.primary.url(),
      replayStatements: 'safe',
      logger: false,
    })
    expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    await pool.end()
  })
})

test(
  'through a crash and a promotion safe transactions fail in none, and write each once',
  async () => {
    const pair = await startCluster({ standbys: 1, synchronous: true })
    const [next] = pair.standbys as [PostgresNode]
    await pair.primary.query('create table ledger (id int)')
    open({ databaseUrl: pair.primary.url(), failoverUrls: [next.url()] })
    const fates = new Map<number, string>()
    let stopping = false
    let id = 0
    const callers = Array.from({ length: 8 }, async () => {
      while (!stopping) {
        id += 1
        const mine = id
        try {
          await manager.transaction((client) => insert(client, mine), { replay: 'safe' })
          fates.set(mine, 'acknowledged')
        } catch (error) {
          fates.set(mine, (error as { code: string }).code)
        }
      }
    })
    await eventually(() => fates.size > 100)
    await pair.primary.stop('fast')
    await next.promote()
    const before = fates.size
    await eventually(() => fates.size > before + 100)
    stopping = true
    await Promise.all(callers)
    const found = await next.query<{ id: number; n: number }>(
      'select id, count(*)::int as n from ledger group by id',
    )
    const copies = new Map(found.map((row) => [row.id, row.n]))
    for (const [each, fate] of fates) {
      if (fate === 'acknowledged') expect(copies.get(each)).toBe(1)
      else expect(fate).toBe('CONNMGR_COMMIT_OUTCOME_UNKNOWN')
    }
    expect(found.filter(({ n }) => n > 1)).toEqual([])
    await pair.stop()
  },
  patient(60_000),
)
