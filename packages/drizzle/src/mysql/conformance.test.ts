import { createConnectionManager, type MysqlConnectionManager } from '@connmgr/mysql'
import {
  describeEachProduct,
  MYSQL_PASSWORDS,
  type MysqlCluster,
  type MysqlLab,
  provokeDeadlock,
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
type Native = ManagedDatabase<typeof schema>

const native = (db: Statements) => db as unknown as Native
const common = (db: object) => db as Database

function harnessOf({ product, start }: MysqlLab): Harness<MysqlConnectionManager> {
  let cluster: MysqlCluster
  const options = () => ({ databaseUrl: cluster.primary.url(), logger: false }) as const
  // MariaDB has no LATERAL joins.
  const config = { schema, mode: product.name === 'MySQL' ? 'default' : 'planetscale' } as const
  return {
    users,
    posts,
    counters,
    secret: MYSQL_PASSWORDS.app,
    start: async () => {
      cluster = await start({ replicas: 1 })
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
      common(
        withConnectionManager(config, { ...options(), poolSize: 1, maxOverflow: 0, ...given }),
      ),
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
}

describeEachProduct('Drizzle', (lab) => describeDatabase(describe, 'over mysql2', harnessOf(lab)))
