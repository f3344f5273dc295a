import { FakeClock, type PostgresCluster, startCluster } from '@connmgr/testing'
import { catalogRead } from '../test/known-catalog.js'
import { openWatched, Wire } from '../test/wire.js'
import type { PgConnectionManager } from './connection-manager.js'
import type { PgManagerOptions } from './manager-options.js'

let cluster: PostgresCluster
let manager: PgConnectionManager
let wire: Wire

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query('create table item (id int primary key, name text)')
})
afterAll(() => cluster.stop())
afterEach(() => manager.close({ drainTimeoutMs: 0 }))

async function open(options: PgManagerOptions & { clock?: FakeClock } = {}): Promise<void> {
  wire = new Wire()
  manager = openWatched(wire, { databaseUrl: cluster.primary.url(), ...options })
  await manager.warmUp(1)
  // The catalog is read after a head start for the first caller.
  await options.clock?.advance(100)
  await catalogRead(manager.pool)
}

const TEXT = 'select name from item where id = $1'
const ask = (id: number) => manager.pool.query(TEXT, [id])
/** Once for each connection, in the packet of a statement. */
const MEMORY_IS_KEPT = 'PBC'
const PARSE_BIND_DESCRIBE_EXECUTE_SYNC = 'PBDES'
const BIND_EXECUTE_SYNC = 'BES'

test('a query is one write; once its text is prepared, it is neither parsed nor described again', async () => {
  // By this clock the process never stands still, so that no connection is tested.
  await open({ clock: new FakeClock() })
  const seen: string[] = []
  for (let use = 1; use <= 8; use += 1) {
    wire.forget()
    await ask(use)
    expect(wire.writes).toBe(1)
    seen.push(wire.messages)
  }
  expect(seen[0]).toBe(MEMORY_IS_KEPT + PARSE_BIND_DESCRIBE_EXECUTE_SYNC)
  expect(seen.slice(1, 5)).toEqual(Array(4).fill(PARSE_BIND_DESCRIBE_EXECUTE_SYNC))
  expect(seen.slice(5)).toEqual(Array(3).fill(BIND_EXECUTE_SYNC))
})

test('all that is asked of a lane in one turn of the event loop is one write, each query with a sync of its own', async () => {
  // By this clock no statement is slow.
  await open({ shared: { lanes: 1 }, clock: new FakeClock() })
  for (let use = 1; use <= 6; use += 1) await ask(use)
  wire.forget()
  await Promise.all(Array.from({ length: 30 }, (_each, id) => ask(id)))
  expect(wire.messages).toBe(BIND_EXECUTE_SYNC.repeat(30))
  expect(wire.writes).toBe(1)
})

test('a client that is bound late costs no message of its own', async () => {
  await open({ shared: { lanes: 1, lateBinding: true }, clock: new FakeClock() })
  for (let use = 1; use <= 6; use += 1) await ask(use)
  wire.forget()
  await Promise.all(
    Array.from({ length: 30 }, async (_each, id) => {
      const client = await manager.pool.connect()
      await client.query(TEXT, [id])
      client.release()
    }),
  )
  expect(wire.messages).toBe(BIND_EXECUTE_SYNC.repeat(30))
  expect(wire.writes).toBe(1)
})
