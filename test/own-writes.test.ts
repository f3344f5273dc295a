import * as drizzle from '@connmgr/drizzle'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { eventually, type PostgresCluster, patient, startCluster } from '@connmgr/testing'
import * as typeorm from '@connmgr/typeorm'
import { count, sql } from 'drizzle-orm'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import { DataSource, EntitySchema } from 'typeorm'
import { ADAPTERS } from './adapters.js'

let cluster: PostgresCluster
let manager: PgConnectionManager

beforeAll(async () => {
  cluster = await startCluster({ standbys: 1 })
  await cluster.primary.query('create table notes (n int primary key)')
  await cluster.standbys[0]?.waitForReplay(cluster.primary)
})
beforeEach(async () => {
  manager = createConnectionManager({
    databaseUrl: cluster.nodes[0]?.url(),
    failoverUrls: [cluster.nodes[1]?.url() as string],
    catchUpWaitMs: patient(6000),
    logger: false,
  })
  await manager.start()
})
afterEach(() => manager.close())
afterAll(() => cluster.stop())

let last = 0
const next = (): number => {
  last += 1
  return last
}

/** From then on the standby's readers see nothing new. */
const pause = () => cluster.standbys[0]?.query('select pg_wal_replay_pause()')
const resume = () => cluster.standbys[0]?.query('select pg_wal_replay_resume()')

/** Starts a read while the standby does not show yet what it asks for, which it then does. */
async function resumingFor<T>(read: () => PromiseLike<T>): Promise<T> {
  const reading = Promise.resolve(read())
  await resume()
  return reading
}

/** How many notes a standby shows, and that it is one. */
async function onStandby(): Promise<{ n: number; standby: boolean }> {
  const text = 'select count(*)::int as n, pg_is_in_recovery() as standby from notes'
  return (await manager.replica.query(text)).rows[0]
}

test.each(Object.keys(ADAPTERS))(
  'what is written through %s is seen by the reads of its session',
  async (name) => {
    const access = await ADAPTERS[name]?.(manager)
    if (access === undefined) throw new Error(`there is no ${name}`)
    const before = last
    await pause()
    await access.query(`insert into notes values (${next()})`)
    expect(await onStandby()).toEqual({ n: before, standby: true })
    await manager.withSession(async (session) => {
      expect(await session.writeToken()).toBeUndefined()
      await access.query(`insert into notes values (${next()})`)
      expect(await resumingFor(onStandby)).toEqual({ n: last, standby: true })
      await pause()
      await access.transaction(async (query) => {
        await query(`insert into notes values (${next()})`)
        await query(`insert into notes values (${next()})`)
      })
      expect(await resumingFor(onStandby)).toEqual({ n: last, standby: true })
    })
    await access.close()
  },
)

test("Drizzle's replicas show what was written in the session", async () => {
  const notes = pgTable('notes', { n: integer('n') })
  const db = drizzle.withConnectionManager({ schema: { notes }, replicas: true }, manager)
  const look = { n: count(), standby: sql<boolean>`pg_is_in_recovery()` }
  const before = last
  await pause()
  await db.insert(notes).values({ n: next() })
  expect(await db.select(look).from(notes)).toEqual([{ n: before, standby: true }])
  await manager.withSession(async () => {
    await db.transaction((tx) => tx.insert(notes).values({ n: next() }))
    const seen = await resumingFor(() => db.select(look).from(notes))
    expect(seen).toEqual([{ n: last, standby: true }])
    expect(await db.query.notes.findMany()).toHaveLength(last)
  })
})

test("TypeORM's slaves show what was written in the session", async () => {
  const Note = new EntitySchema<{ n: number }>({
    name: 'note',
    tableName: 'notes',
    columns: { n: { type: 'int', primary: true } },
  })
  const [master, slave] = cluster.nodes.map((node) => ({ url: node.url() }))
  const dataSource = await new DataSource(
    typeorm.withConnectionManager(
      {
        type: 'postgres',
        entities: [Note],
        replication: { master: master as { url: string }, slaves: [slave as { url: string }] },
      },
      manager,
    ),
  ).initialize()
  const repository = dataSource.getRepository(Note)
  const before = last
  await pause()
  await repository.insert({ n: next() })
  expect(await repository.count()).toBe(before)
  await manager.withSession(async () => {
    await repository.save({ n: next() })
    expect(await resumingFor(() => repository.count())).toBe(last)
  })
  await dataSource.destroy()
})

test('each ORM listens through its manager', async () => {
  const received: string[] = []
  for (const [name, open] of Object.entries(ADAPTERS)) {
    const access = await open(manager)
    await access.connections.listen('notes', ({ payload }) => void received.push(payload))
    await access.query(`select 1 from pg_notify('notes', '${name}')`)
    await eventually(() => received.includes(name))
    await access.close()
  }
  expect(received[0]).toBe('pg')
})
