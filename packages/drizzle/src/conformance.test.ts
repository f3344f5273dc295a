import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { type PostgresCluster, startCluster } from '@connmgr/testing'
import { relations, sql } from 'drizzle-orm'
import { integer, pgTable, serial, text } from 'drizzle-orm/pg-core'
import { describeDatabase } from '../test/describe-database.js'
import type { Database, Harness, ReplicatedDatabase, Statements } from '../test/harness.js'
import type { ManagedDatabase } from './pg-types.js'
import { replayTransaction } from './replay-transaction.js'
import { withConnectionManager } from './with-connection-manager.js'

const users = pgTable('users', { id: serial('id').primaryKey(), name: text('name').notNull() })
const posts = pgTable('posts', {
  id: serial('id').primaryKey(),
  title: text('title').notNull(),
  authorId: integer('author_id'),
})
const counters = pgTable('counters', { id: integer('id'), n: integer('n') })
const schema = {
  users,
  posts,
  usersRelations: relations(users, ({ many }) => ({ posts: many(posts) })),
  postsRelations: relations(posts, ({ one }) => ({
    author: one(users, { fields: [posts.authorId], references: [users.id] }),
  })),
}
type Native = ManagedDatabase<typeof schema>

let cluster: PostgresCluster
const options = () =>
  ({ databaseUrl: cluster.primary.url(), logger: false, password: SECRET }) as const
const SECRET = 's3cr3t-of-postgres'
const native = (db: Statements) => db as unknown as Native
const common = (db: object) => db as Database

const POSTGRES: Harness<PgConnectionManager> = {
  users,
  posts,
  counters,
  secret: SECRET,
  start: async () => {
    cluster = await startCluster({ standbys: 1 })
    await cluster.primary.query(`
      create table users (id serial primary key, name text not null unique);
      create table posts (id serial primary key, title text not null, author_id int);
      create table counters (id int, n int); insert into counters values (1, 0)`)
  },
  stop: () => cluster.stop(),
  reset: async () => {
    await cluster.primary.query('truncate users, posts restart identity; update counters set n = 0')
  },
  open: (given, config) =>
    common(withConnectionManager({ schema, ...config }, { ...options(), ...given })),
  openSingle: (given) =>
    common(
      withConnectionManager({ schema }, { ...options(), poolSize: 1, maxOverflow: 0, ...given }),
    ),
  openReplicated: () =>
    withConnectionManager(
      { schema, replicas: true },
      { ...options(), failoverUrls: [cluster.standbys[0]?.url() ?? ''] },
    ) as unknown as ReplicatedDatabase,
  openOn: (manager) => common(withConnectionManager({ schema }, manager)),
  createManager: () => createConnectionManager(options()),
  replayTransaction: (db, work) =>
    replayTransaction(native(db), (tx, attempt) => work(tx as unknown as Statements, attempt)),
  cutOff: async (tx) => {
    const { rows } = await native(tx).execute(sql`select pg_backend_pid() as pid`)
    await cluster.primary.query('select pg_terminate_backend($1)', [rows[0]?.pid])
  },
  conflict: (tx) =>
    native(tx).execute(sql`do $$ begin raise exception 'no' using errcode = '40001'; end $$`),
  openWrongly: () => withConnectionManager({}, { ...options(), poolsize: 5 } as object),
}

describeDatabase(describe, 'drizzle over node-postgres', POSTGRES)
