import { createConnectionManager, type MysqlConnectionManager } from '@connmgr/mysql'
import {
  describeMariadb,
  MARIADB_PASSWORDS,
  type MariadbCluster,
  provokeDeadlock,
  startMariadb,
} from '@connmgr/testing'
import { relations, sql } from 'drizzle-orm'
import { int, mysqlTable, serial, varchar } from 'drizzle-orm/mysql-core'
import { enginesRead } from '../../../mysql/test/known-engines.js'
import { describeDatabase } from '../../test/describe-database.js'
import type { Database, Harness, ReplicatedDatabase, Statements } from '../../test/harness.js'
import { replayTransaction } from '../replay-transaction.js'
import type { ManagedDatabase } from './mysql-types.js'
import { withConnectionManager } from './with-connection-manager.js'

const users = mysqlTable('users', {
  id: serial('id').primaryKey(),
  name: varchar('name', { length: 100 }).notNull(),
})
const posts = mysqlTable('posts', {
  id: serial('id').primaryKey(),
  title: varchar('title', { length: 100 }).notNull(),
  authorId: int('author_id'),
})
const counters = mysqlTable('counters', { id: int('id'), n: int('n') })
const schema = {
  users,
  posts,
  usersRelations: relations(users, ({ many }) => ({ posts: many(posts) })),
  postsRelations: relations(posts, ({ one }) => ({
    author: one(users, { fields: [posts.authorId], references: [users.id] }),
  })),
}
// MariaDB has no LATERAL joins.
const config = { schema, mode: 'planetscale' } as const
type Native = ManagedDatabase<typeof schema>

let cluster: MariadbCluster
const options = () => ({ databaseUrl: cluster.primary.url(), logger: false }) as const
const native = (db: Statements) => db as unknown as Native
const common = (db: object) => db as Database

const MARIADB: Harness<MysqlConnectionManager> = {
  users,
  posts,
  counters,
  secret: MARIADB_PASSWORDS.app,
  start: async () => {
    cluster = await startMariadb({ replicas: 1 })
    for (const text of [
      'create table app.users (id serial primary key, name varchar(100) not null unique)',
      'create table app.posts (id serial primary key, title varchar(100) not null, author_id int)',
      'create table app.counters (id int primary key, n int)',
      'insert into app.counters values (1, 0)',
    ])
      await cluster.primary.query(text)
  },
  stop: () => cluster.stop(),
  reset: async () => {
    for (const text of [
      'truncate app.users',
      'truncate app.posts',
      'update app.counters set n = 0',
    ])
      await cluster.primary.query(text)
  },
  open: (given, more) =>
    common(withConnectionManager({ ...config, ...more }, { ...options(), ...given })),
  openSingle: (given) =>
    common(withConnectionManager(config, { ...options(), poolSize: 1, maxOverflow: 0, ...given })),
  openReplicated: () =>
    withConnectionManager(
      { ...config, replicas: true },
      { ...options(), failoverUrls: [cluster.replicas[0]?.url() ?? ''] },
    ) as unknown as ReplicatedDatabase,
  openOn: (manager) => common(withConnectionManager(config, manager)),
  createManager: () => createConnectionManager(options()),
  replayTransaction: (db, work) =>
    replayTransaction(native(db), (tx, attempt) => work(tx as unknown as Statements, attempt)),
  cutOff: async (tx) => {
    const [rows] = await native(tx).execute(sql`select connection_id() as id`)
    const [{ id } = {}] = rows as unknown as { id?: number }[]
    await cluster.primary.query(`kill ${id}`)
  },
  conflict: (tx) => provokeDeadlock(cluster.primary, (text) => native(tx).execute(sql.raw(text))),
  untilReplayable: (db) => enginesRead(native(db).$connections),
  openWrongly: () => withConnectionManager({}, { ...options(), poolsize: 5 } as object),
}

describeDatabase(describeMariadb, 'drizzle over mysql2, on MariaDB', MARIADB)
