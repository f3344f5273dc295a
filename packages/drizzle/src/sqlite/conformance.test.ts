import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  createConnectionManager,
  type SqliteConnectionManager,
  type SqliteLibrary,
} from '@connmgr/sqlite'
import { relations, sql } from 'drizzle-orm'
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { INSTALLED } from '../../../sqlite/test/libraries.js'
import { describeDatabase } from '../../test/describe-database.js'
import type { Database, Harness, ReplicatedDatabase, Statements } from '../../test/harness.js'
import { replayTransaction } from '../replay-transaction.js'
import type { ManagedDatabase } from './sqlite-types.js'
import { withConnectionManager } from './with-connection-manager.js'

const users = sqliteTable('users', { id: integer('id').primaryKey(), name: text('name').notNull() })
const posts = sqliteTable('posts', {
  id: integer('id').primaryKey(),
  title: text('title').notNull(),
  authorId: integer('author_id'),
})
const counters = sqliteTable('counters', { id: integer('id'), n: integer('n') })
const schema = {
  users,
  posts,
  usersRelations: relations(users, ({ many }) => ({ posts: many(posts) })),
  postsRelations: relations(posts, ({ one }) => ({
    author: one(users, { fields: [posts.authorId], references: [users.id] }),
  })),
}
type Native = ManagedDatabase<typeof schema>

function harnessOf(library: SqliteLibrary): Harness<SqliteConnectionManager> {
  let directory = ''
  const options = () =>
    ({ filename: path.join(directory, 'app.db'), library, logger: false }) as const
  const native = (db: Statements) => db as unknown as Native
  const common = (db: object) => db as unknown as Database
  const execute = async (script: string): Promise<void> => {
    const manager = createConnectionManager(options())
    await manager.use((db) => db.exec(script))
    await manager.close()
  }
  return {
    users,
    posts,
    counters,
    start: async () => {
      directory = mkdtempSync(path.join(tmpdir(), 'connmgr-drizzle-'))
      await execute(`
        create table users (id integer primary key, name text not null unique);
        create table posts (id integer primary key, title text not null, author_id integer);
        create table counters (id integer, n integer); insert into counters values (1, 0)`)
    },
    stop: async () => rmSync(directory, { recursive: true, force: true }),
    reset: () => execute('delete from users; delete from posts; update counters set n = 0'),
    open: (given, config) =>
      common(withConnectionManager({ schema, ...config }, { ...options(), ...given })),
    openSingle: (given) => common(withConnectionManager({ schema }, { ...options(), ...given })),
    openReplicated: () =>
      withConnectionManager({ schema, replicas: true }, options()) as unknown as ReplicatedDatabase,
    openOn: (manager) => common(withConnectionManager({ schema }, manager)),
    createManager: () => createConnectionManager(options()),
    replayTransaction: (db, work) =>
      replayTransaction(native(db), (tx, attempt) => work(tx as unknown as Statements, attempt)),
    cutOff: async (tx) => {
      await native(tx).run(sql`rollback`)
    },
    openWrongly: () => withConnectionManager({}, { ...options(), poolSize: 5 } as object),
  }
}

for (const library of INSTALLED)
  describeDatabase(describe, `drizzle over ${library}`, harnessOf(library))
