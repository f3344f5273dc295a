import {
  describePgBouncer,
  eventually,
  type PostgresCluster,
  type RunningPgBouncer,
  startCluster,
  startPgBouncer,
} from '@connmgr/testing'
import type { Client } from 'pg'
import Cursor from 'pg-cursor'
import type { PgConnectionManager } from '../connection-manager.js'
import { createConnectionManager } from '../create-connection-manager.js'
import type { PgManagerOptions } from '../manager-options.js'

const BY_KEY = 'select * from things where id = $1'
const ROWS = 50
/** Processes of the server that the pooler lends to its clients. */
const PROCESSES = 3

let cluster: PostgresCluster
let pooler: RunningPgBouncer
let manager: PgConnectionManager

beforeAll(async () => {
  cluster = await startCluster()
})
beforeEach(() =>
  cluster.primary.query(
    `drop table if exists things;
     create table things (id int primary key, name text);
     insert into things select n, 'thing ' || n from generate_series(1, ${ROWS}) n`,
  ),
)
afterEach(async () => {
  await manager.close({ drainTimeoutMs: 0 })
  await pooler.stop()
})
afterAll(() => cluster.stop())

/** A manager whose statements may be prepared, before a pooler that remembers so many of them on each server process. */
async function open(remembered: number, options: PgManagerOptions = {}): Promise<void> {
  pooler = await startPgBouncer(cluster.primary.url(), {
    default_pool_size: PROCESSES,
    max_prepared_statements: remembered,
  })
  manager = createConnectionManager({
    databaseUrl: pooler.url,
    poolSize: 8,
    logger: false,
    ...options,
  })
  await manager.pool.query('select')
  await eventually(() => manager.getStatementStats().off.length === 0)
}

/** Asks for each row, several at a time, so that the pooler lends each server process to many connections. */
async function ask(text = BY_KEY): Promise<{ id: number }[]> {
  const found = await Promise.all(
    Array.from({ length: ROWS }, (_, n) => manager.pool.query(text, [n + 1])),
  )
  return found.map(({ rows }) => rows[0])
}

/** The same within transactions. */
async function askInTransactions(): Promise<{ id: number }[]> {
  const work = (n: number) =>
    manager.transaction(async (client) => (await client.query(BY_KEY, [n + 1])).rows[0])
  return Promise.all(Array.from({ length: ROWS }, (_, n) => work(n)))
}

/** Asks until each process of the server has prepared it, so that whatever process answers later knows it from before. */
async function askEverywhere(): Promise<void> {
  await ask()
  let missing = PROCESSES
  let allHave = () => {}
  const all = new Promise<void>((resolve) => {
    allHave = resolve
  })
  await Promise.all(
    Array.from({ length: PROCESSES }, () =>
      manager.transaction(async (client) => {
        await client.query(BY_KEY, [1])
        missing -= 1
        if (missing === 0) allHave()
        await all
      }),
    ),
  )
}

/** Ends the processes of the server that the pooler has, and asks until others answer: it notices by what it sends to them. */
async function replaceProcesses(): Promise<void> {
  await cluster.primary.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
  )
  await eventually(() =>
    ask().then(
      () => true,
      () => false,
    ),
  )
}

const keys = Array.from({ length: ROWS }, (_, n) => ({ id: n + 1 }))

describePgBouncer(
  'behind a pooler by transaction that keeps track of statements',
  () => {
    test.each([
      ['fewer statements than there are', 5],
      ['more statements than there are', 200],
    ])('that remembers %s, all are answered and prepared', async (_name, remembered) => {
      await open(remembered)
      const texts = Array.from(
        { length: 12 },
        (_, n) => `select id, ${n} as n from things where id = $1`,
      )
      for (const text of [...texts, ...texts]) expect(await ask(text)).toMatchObject(keys)
      const { hits, off, retries } = manager.getStatementStats()
      expect({ off, retries }).toEqual({ off: [], retries: 0 })
      expect(hits).toBeGreaterThan(ROWS * 12)
    })

    test('a table that another program alters costs no error outside of a transaction', async () => {
      await open(200)
      await askEverywhere()
      await cluster.primary.query('alter table things add column more int default 7')
      for (let round = 0; round < 3; round += 1)
        expect(await ask()).toMatchObject(keys.map((row) => ({ ...row, more: 7 })))
      expect(manager.getStatementStats().off).toEqual([])
    })

    test('columns have the names of the process that answers, whenever that has prepared', async () => {
      await open(200)
      await ask()
      // Processes that are started after the change prepare for the new columns what was prepared elsewhere for the old.
      await cluster.primary.query(
        'alter table things drop column name; alter table things add column title text',
      )
      await replaceProcesses()
      expect(await ask()).toEqual(keys.map((row) => ({ ...row, title: null })))
    })

    test('transactions have it right once the change has been noticed', async () => {
      await open(200)
      await askEverywhere()
      await cluster.primary.query('alter table things add column more int default 7')
      await ask()
      expect(manager.getStatementStats().retries).toBeGreaterThan(0)
      expect(await askInTransactions()).toMatchObject(keys.map((row) => ({ ...row, more: 7 })))
    })

    test('a table that the manager itself alters costs no error, in transactions neither', async () => {
      await open(200)
      await ask()
      for (const column of ['one', 'two']) {
        await manager.pool.query(`alter table things add column ${column} int default 7`)
        expect(await askInTransactions()).toMatchObject(
          keys.map((row) => ({ ...row, [column]: 7 })),
        )
      }
      expect(manager.getStatementStats()).toMatchObject({ off: [], retries: 0 })
    })

    test('a temporary table hides the other within its transaction, on processes that know the text from before', async () => {
      await open(200)
      await askEverywhere()
      const names: string[] = []
      for (let n = 0; n < 2 * PROCESSES; n += 1)
        await manager.transaction(async (client) => {
          const name = async () => (await client.query(BY_KEY, [1])).rows[0].name
          names.push(await name())
          await client.query(
            "create temp table things on commit drop as select 1 as id, 'hidden' as name",
          )
          names.push(await name(), await name())
        })
      expect([...new Set(names)]).toEqual(['thing 1', 'hidden'])
      expect(names.filter((each) => each === 'hidden')).toHaveLength(4 * PROCESSES)
      expect(manager.getStatementStats().off).toEqual([])
    })

    test('within a transaction the error of a change by another program is reported once', async () => {
      await open(200, { poolSize: 1, maxOverflow: 0 })
      await ask()
      await cluster.primary.query('alter table things add column more int default 7')
      const work = () =>
        manager.transaction(async (client) => (await client.query(BY_KEY, [1])).rows)
      await expect(work()).rejects.toMatchObject({ code: '0A000' })
      for (let round = 0; round < 5; round += 1) expect(await work()).toMatchObject([{ more: 7 }])
    })

    test('a process that comes later finds nothing old in transactions once it has met the change', async () => {
      await open(200)
      await askEverywhere()
      await cluster.primary.query('alter table things add column more int default 7')
      await ask()
      await manager.close()
      manager = createConnectionManager({ databaseUrl: pooler.url, poolSize: 8, logger: false })
      await manager.pool.query('select')
      await eventually(() => manager.getStatementStats().off.length === 0)
      await ask()
      expect(manager.getStatementStats().retries).toBeGreaterThan(0)
      expect(await askInTransactions()).toMatchObject(keys.map((row) => ({ ...row, more: 7 })))
      expect(manager.getStatementStats().off).toEqual([])
    })

    test('processes of the server that end are replaced, and nothing is lost but what ran on them', async () => {
      await open(200)
      await ask()
      await replaceProcesses()
      expect(await ask()).toMatchObject(keys)
      expect(manager.getStatementStats().off).toEqual([])
    })

    test("a library's own names live beside ours", async () => {
      await open(5)
      const named = (n: number) =>
        manager.pool.query({
          name: `of-orm-${n % 8}`,
          text: `select id, ${n % 8} from things where id = $1`,
          values: [n + 1],
        })
      for (let round = 0; round < 3; round += 1) {
        const [own, ours] = await Promise.all([Promise.all(keys.map((_, n) => named(n))), ask()])
        expect(own.map(({ rows }) => rows[0])).toMatchObject(keys)
        expect(ours).toMatchObject(keys)
      }
      expect(manager.getStatementStats()).toMatchObject({ off: [], retries: 0 })
    })

    test.each(['discard all', 'deallocate all'])('%s costs no error', async (command) => {
      await open(200)
      await ask()
      for (let round = 0; round < 5; round += 1) {
        await manager.use((client) => client.query(command))
        expect(await ask()).toMatchObject(keys)
      }
      expect(manager.getStatementStats().off).toEqual([])
    })

    test('queries of shared connections are prepared, also while the table is altered', async () => {
      await open(200, { shared: { lanes: 2 } })
      for (let round = 0; round < 3; round += 1) expect(await ask()).toMatchObject(keys)
      expect(manager.getStatementStats().hits).toBeGreaterThan(ROWS)
      await cluster.primary.query('alter table things add column more int default 7')
      for (let round = 0; round < 3; round += 1)
        expect(await ask()).toMatchObject(keys.map((row) => ({ ...row, more: 7 })))
      expect(manager.getStatementStats().off).toEqual([])
    })

    test('cursors run in transactions beside what is prepared', async () => {
      await open(5)
      await ask()
      await manager.transaction(async (client: Client) => {
        expect((await client.query(BY_KEY, [1])).rows).toMatchObject([{ id: 1 }])
        const cursor = client.query(new Cursor<{ id: number }>('select id from things order by id'))
        expect(await cursor.read(20)).toHaveLength(20)
        expect(await cursor.read(ROWS)).toHaveLength(ROWS - 20)
        await cursor.close()
        expect((await client.query(BY_KEY, [2])).rows).toMatchObject([{ id: 2 }])
      })
      expect(await ask()).toMatchObject(keys)
    })
  },
  'tracking',
)
