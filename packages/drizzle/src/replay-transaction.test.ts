import { describeReplay, eventually, type PostgresCluster, startCluster } from '@connmgr/testing'
import { eq, type SQL, sql } from 'drizzle-orm'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import { catalogRead } from '../../pg/test/known-catalog.js'
import { replayTransaction } from './replay-transaction.js'
import { withConnectionManager } from './with-connection-manager.js'

const items = pgTable('items', { id: integer('id').notNull() })
const schema = { items }
type Isolation = 'serializable'

const open = (databaseUrl: string) =>
  withConnectionManager({ schema }, { databaseUrl, logger: false })
type Executor = Pick<ReturnType<typeof open>, '$count' | 'execute' | 'insert'>

describeReplay('Drizzle', {
  table: 'items',
  createTable: 'create table items (id int not null)',
  isThirteen: 'new.id = 13',
  slowInsert: 'insert into items select 1 from pg_sleep(60)',
  codeIn: 'cause',
  serializable: 'serializable',
  open(url) {
    const db = open(url)
    return {
      ...verbsOf(db),
      connections: db.$connections,
      replayTransaction: (work, { isolation, ...options } = {}) =>
        replayTransaction(
          db,
          (tx, attempt) => work(verbsOf(tx), attempt),
          options,
          isolation === undefined ? {} : { isolationLevel: isolation as Isolation },
        ),
      transaction: (work) => db.transaction((tx) => work(verbsOf(tx))),
      ids: async () => (await db.select().from(items)).map(({ id }) => id),
      catalogRead: () => catalogRead(db.$connections.pool),
      close: () => db.$connections.close({ drainTimeoutMs: 0 }),
    }
  },
})

function verbsOf(db: Executor) {
  return {
    insert: (id: number) => db.insert(items).values({ id }),
    count: () => db.$count(items),
    // Drizzle begins only when the result is asked for.
    query: (text: string) => Promise.resolve(db.execute(sql.raw(text) as SQL)),
  }
}

describe('on a server of its own', () => {
  let cluster: PostgresCluster
  let db: ReturnType<typeof open>

  beforeAll(async () => {
    cluster = await startCluster()
    await cluster.primary.query('create table items (id int not null)')
  })
  beforeEach(() => {
    db = open(cluster.primary.url())
  })
  afterEach(() => db.$connections.close())
  afterAll(() => cluster.stop())

  test('what a transaction is given reaches SQL only from a list', async () => {
    const harmful = 'serializable; drop table items' as Isolation
    for (const config of [{ isolationLevel: harmful }, { accessMode: harmful as 'read only' }]) {
      for (const running of [
        db.transaction(async () => {}, config),
        replayTransaction(db, async () => {}, {}, config),
      ])
        await expect(running).rejects.toMatchObject({ code: 'CONNMGR_INVALID_OPTION' })
    }
    await db.transaction(async () => {}, {
      isolationLevel: 'read uncommitted',
      accessMode: 'read only',
    })
    expect(await db.select().from(items)).toEqual([])
  })

  test('a prepared statement is prepared anew when its session is gone', async () => {
    const byId = db
      .select()
      .from(items)
      .where(eq(items.id, sql.placeholder('id')))
      .prepare('by_id')
    await db.insert(items).values({ id: 1 })
    for (let round = 0; round < 3; round += 1) {
      expect(await byId.execute({ id: 1 })).toEqual([{ id: 1 }])
      await cluster.primary.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'",
      )
      await eventually(() => db.$connections.getPoolMetrics().checkedIn === 0)
    }
  })
})
