import { existsSync, readFileSync } from 'node:fs'
import { Opened, type PostgresCluster, startCluster } from '@connmgr/testing'
import pg from 'pg'
import Cursor from 'pg-cursor'
import { catalogRead } from '../test/known-catalog.js'
import { openWatched, Wire } from '../test/wire.js'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'
import type { PgManagerOptions } from './manager-options.js'

let cluster: PostgresCluster
let wire: Wire
const opened = new Opened()

beforeAll(async () => {
  cluster = await startCluster()
})
afterEach(() => opened.close())
afterAll(() => cluster?.stop())

/** One connection, whose database is known. */
async function open(options: PgManagerOptions = {}): Promise<PgConnectionManager> {
  wire = new Wire()
  const manager = opened.add(openWatched(wire, { databaseUrl: cluster.primary.url(), ...options }))
  await catalogRead(manager.pool)
  wire.forget()
  return manager
}

const MEMORY_IS_KEPT = 'PBC'
const ask = 'select $1::int as n'

describe('what is sent', () => {
  test('once for each connection, before a statement that has no name', async () => {
    const { pool } = await open({ preparedStatements: 'off' })
    for (const n of [1, 2]) expect((await pool.query(ask, [n])).rows).toEqual([{ n }])
    expect(wire.messages).toBe(`${MEMORY_IS_KEPT}PBDESPBDES`)
    expect(wire.writes).toBe(2)
  })

  test('behind the text of one that has a name, which is prepared once', async () => {
    const { pool } = await open()
    const named = { name: 'mine', text: ask }
    for (const n of [1, 2])
      expect((await pool.query({ ...named, values: [n] })).rows).toEqual([{ n }])
    expect(wire.messages).toBe(`P${MEMORY_IS_KEPT}BDESBDES`)
  })

  test('in lanes too', async () => {
    const { pool } = await open({ shared: { lanes: 1 } })
    const rows = await Promise.all([1, 2, 3].map(async (n) => (await pool.query(ask, [n])).rows[0]))
    expect(rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
    expect(wire.messages).toBe(`${MEMORY_IS_KEPT}PBDESPBDESPBDES`)
  })

  test('a name whose text is refused is not taken for prepared', async () => {
    const { pool } = await open()
    const named = { name: 'mine', text: 'select n from nowhere where n = $1', values: [1] }
    for (const _time of [1, 2])
      await expect(pool.query(named)).rejects.toMatchObject({ code: '42P01', position: '15' })
    await cluster.primary.query('create table nowhere as select 1 as n')
    expect((await pool.query(named)).rows).toEqual([{ n: 1 }])
  })

  test('so that a first statement finds no portal but those that it would find without', async () => {
    const manager = await open({ preparedStatements: 'off' })
    const plain = new pg.Client({ connectionString: cluster.primary.url() })
    await plain.connect()
    try {
      const seen = async (client: pg.ClientBase) => {
        await client.query('begin')
        const cursor = client.query(new Cursor('select statement from pg_cursors where $1', [true]))
        const rows = await cursor.read(10)
        await cursor.close()
        await client.query('rollback')
        return rows
      }
      const client = await manager.pool.connect()
      const first = await seen(client)
      expect(wire.messages).toContain(MEMORY_IS_KEPT)
      expect(first).toEqual(await seen(plain))
      client.release()
    } finally {
      await plain.end()
    }
  })

  test('not in a transaction that has failed, where all is refused', async () => {
    const manager = await open()
    const client = await manager.pool.connect()
    await client.query('begin')
    await expect(client.query('select 1/0')).rejects.toMatchObject({ code: '22012' })
    wire.forget()
    await expect(client.query(ask, [1])).rejects.toMatchObject({ code: '25P02' })
    expect(wire.messages).toBe('PBDES')
    await client.query('rollback')
    wire.forget()
    await client.query(ask, [1])
    expect(wire.messages).toBe(`${MEMORY_IS_KEPT}PBDES`)
    client.release()
  })

  test('in a transaction that goes on, which keeps what it has written', async () => {
    const manager = await open()
    await manager.transaction(async (client) => {
      await client.query('create table kept as select 1 as n')
      await client.query('insert into kept select $1::int', [2])
    })
    expect(wire.messages).toContain(`${MEMORY_IS_KEPT}PBDES`)
    expect(await cluster.primary.query('select n from kept order by n')).toEqual([
      { n: 1 },
      { n: 2 },
    ])
  })

  test('not where the option says no', async () => {
    const { pool } = await open({ preparedStatements: 'off', keepServerMemory: false })
    await pool.query(ask, [1])
    expect(wire.messages).toBe('PBDES')
  })

  test('not where the catalog cannot be read', async () => {
    // It comes as JSON.
    const json = 'execute on function pg_catalog.json_build_object("any")'
    await cluster.primary.query(`revoke ${json} from public; create role app login`)
    try {
      wire = new Wire()
      const databaseUrl = cluster.primary.url({ user: 'app' })
      const { driver, pool } = opened.add(
        openWatched(wire, { databaseUrl, preparedStatements: 'off' }),
      )
      const client = await pool.connect()
      const catalog = driver.catalogOf(client)
      await catalog?.read()
      expect(catalog).toMatchObject({ latest: undefined, mayBeRead: false })
      wire.forget()
      await client.query(ask, [1])
      expect(wire.messages).toBe('PBDES')
      client.release()
    } finally {
      await cluster.primary.query(`grant ${json} to public`)
    }
  })

  test('not where not everybody may call what it takes', async () => {
    await cluster.primary.query('revoke execute on function lpad(text, int, text) from public')
    try {
      const { pool } = await open({ preparedStatements: 'off' })
      await pool.query(ask, [1])
      expect(wire.messages).toBe('PBDES')
    } finally {
      await cluster.primary.query('grant execute on function lpad(text, int, text) to public')
    }
  })

  test('a value of another kind for the option is refused', () => {
    expect(() =>
      createConnectionManager({
        databaseUrl: 'postgres://db/app',
        keepServerMemory: 'no' as never,
      }),
    ).toThrow(/keepServerMemory.*true or false.*"no"/)
  })
})

/** Faults of pages that were not read from a disk, of a process. */
function faultsOf(pid: number): number {
  // Its name, in parentheses, may have spaces.
  return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[7])
}

const { glibcVersionRuntime } = (
  process.report.getReport() as { header: { glibcVersionRuntime?: string } }
).header
const ON_GLIBC = glibcVersionRuntime !== undefined && existsSync('/proc/self/stat')

;(ON_GLIBC ? describe : describe.skip)('the memory of a server with glibc', () => {
  /** To plan it takes some 200 kB. */
  const JOIN = `
    select c.*, n.*, a.*, t.*, i.* from pg_class c
    join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
    join pg_type t on t.oid = a.atttypid left join pg_index i on i.indrelid = c.oid and i.indisprimary
    where c.oid = $1`
  const RUNS = 50

  /** Pages that are taken anew for each statement. */
  async function faults(options: PgManagerOptions): Promise<number> {
    const { pool } = await open({ preparedStatements: 'off', ...options })
    const client = await pool.connect()
    const pid = (client as unknown as { processID: number }).processID
    // What is kept of plans fills the gaps of the heap, so that what is free is at its end.
    for (let plan = 0; plan < 20; plan += 1)
      await client.query(
        `prepare plan_${plan} as ${JOIN.replace('$1', '1259')}; execute plan_${plan}`,
      )
    const run = () => client.query(JOIN, [1259])
    for (let time = 0; time < 10; time += 1) await run()
    const before = faultsOf(pid)
    for (let time = 0; time < RUNS; time += 1) await run()
    const taken = (faultsOf(pid) - before) / RUNS
    client.release()
    return taken
  }

  test('is given back after each statement, and is kept with the option', async () => {
    expect(await faults({ keepServerMemory: false })).toBeGreaterThan(5)
    expect(await faults({})).toBeLessThan(1)
  })
})
