import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import * as drizzle from '@connmgr/drizzle'
import * as drizzleOnMysql from '@connmgr/drizzle/mysql'
import * as drizzleOnSqlite from '@connmgr/drizzle/sqlite'
import * as duckdb from '@connmgr/duckdb'
import * as mysql from '@connmgr/mysql'
import * as pg from '@connmgr/pg'
import * as sqlite from '@connmgr/sqlite'
import {
  describeEachProduct,
  type MysqlCluster,
  type MysqlLab,
  type PostgresCluster,
  startCluster,
} from '@connmgr/testing'
import { int, mysqlTable, varchar } from 'drizzle-orm/mysql-core'
import { integer as pgInteger, pgTable, text as pgText, serial } from 'drizzle-orm/pg-core'
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { PrismaClient } from '../../prisma/test/generated/client.js'
import { PrismaClient as PrismaOnMariadb } from '../../prisma/test/mariadb/generated/client.js'
import { PrismaClient as PrismaOnSqlite } from '../../prisma/test/sqlite/generated/client.js'
import { POSTS_TABLES } from '../test/posts.js'
import { describeTroubles } from '../test/troubles/describe-troubles.js'
import { type DrizzleTables, drizzleOn } from '../test/troubles/drizzle.js'
import { duckdbAlone } from '../test/troubles/duckdb.js'
import { mysql2Alone } from '../test/troubles/mysql2.js'
import { prismaOn } from '../test/troubles/prisma.js'
import { sequelizeOn } from '../test/troubles/sequelize.js'
import type { OpenSubject, TroubledDatabase } from '../test/troubles/subject.js'
import { typeormOn } from '../test/troubles/typeorm.js'

const subject = (name: string, open: OpenSubject) => ({ name, open, file: `${name}.ts` })
const IDLE_IN_TRANSACTION = 'idle in transaction'

/** One row for each user, as a list of VALUES. */
const rows = (users: number, row: (n: number) => string): string =>
  Array.from({ length: users }, (_, index) => row(index + 1)).join(', ')

function onPostgres(): TroubledDatabase {
  let cluster: PostgresCluster
  const users = pgTable('User', { id: serial('id').primaryKey(), email: pgText('email') })
  const posts = pgTable('Post', {
    id: serial('id').primaryKey(),
    title: pgText('title'),
    authorId: pgInteger('authorId'),
  })
  return {
    async start(count) {
      cluster = await startCluster()
      await cluster.primary.query(POSTS_TABLES)
      await cluster.primary.query(
        `insert into "User" (email) values ${rows(count, (n) => `('u${n}')`)};
         insert into "Post" (title, "authorId") values ${rows(count, (n) => `('p', ${n})`)}`,
      )
    },
    stop: () => cluster.stop(),
    createManager: () =>
      pg.createConnectionManager({ databaseUrl: cluster.primary.url(), logger: false }),
    subjects: [
      subject('typeorm', typeormOn({ type: 'postgres' })),
      subject('prisma', prismaOn(PrismaClient, '"Post"')),
      subject(
        'drizzle',
        drizzleOn(
          (manager) =>
            drizzle.withConnectionManager({}, manager as unknown as pg.PgConnectionManager),
          { users, posts },
        ),
      ),
      subject(
        'sequelize',
        sequelizeOn('postgres', () => cluster.primary.url()),
      ),
    ],
    posts: /"Post"/,
    blocking: { relation: '"Post"', state: IDLE_IN_TRANSACTION },
    slowCondition: 'id = 1 and (select pg_sleep(0.3)) is not null',
  }
}

function onMysql({ product, start }: MysqlLab): TroubledDatabase {
  let cluster: MysqlCluster
  const users = mysqlTable('User', {
    id: int('id').primaryKey(),
    email: varchar('email', { length: 90 }),
  })
  const posts = mysqlTable('Post', {
    id: int('id').primaryKey(),
    title: varchar('title', { length: 90 }),
    authorId: int('authorId'),
  })
  return {
    async start(count) {
      cluster = await start({ settings: { 'performance-schema': 'on' } })
      for (const each of [
        'create table User (id int auto_increment primary key, email varchar(90) not null unique, name varchar(90))',
        'create table Post (id int auto_increment primary key, title varchar(90) not null, published boolean not null default false, ' +
          'authorId int not null, foreign key (authorId) references User (id))',
        `insert into User (email) values ${rows(count, (n) => `('u${n}')`)}`,
        `insert into Post (title, authorId) values ${rows(count, (n) => `('p', ${n})`)}`,
        "grant process on *.* to 'app'@'%'",
        // MySQL tells of locks there.
        "grant select on performance_schema.* to 'app'@'%'",
      ])
        await cluster.primary.query(each)
    },
    stop: () => cluster.stop(),
    createManager: () =>
      mysql.createConnectionManager({ databaseUrl: cluster.primary.url(), logger: false }),
    subjects: [
      subject('mysql2', mysql2Alone),
      subject('typeorm', typeormOn({ type: product.name === 'MySQL' ? 'mysql' : 'mariadb' })),
      subject('prisma', prismaOn(PrismaOnMariadb, '`Post`')),
      subject(
        'drizzle',
        drizzleOn(
          (manager) =>
            drizzleOnMysql.withConnectionManager(
              {},
              manager as unknown as mysql.MysqlConnectionManager,
            ),
          { users, posts } as unknown as DrizzleTables,
        ),
      ),
      subject(
        'sequelize',
        sequelizeOn('mysql', () => cluster.primary.url()),
      ),
    ],
    posts: /\bpost\b/i,
    blocking: { relation: '`Post`', state: IDLE_IN_TRANSACTION },
    slowCondition: 'id = 1 and sleep(0.3) = 0',
  }
}

function onSqlite(): TroubledDatabase {
  let directory = ''
  const users = sqliteTable('User', { id: integer('id').primaryKey(), email: text('email') })
  const posts = sqliteTable('Post', {
    id: integer('id').primaryKey(),
    title: text('title'),
    authorId: integer('authorId'),
  })
  const createManager = () =>
    sqlite.createConnectionManager({
      filename: path.join(directory, 'app.db'),
      readers: 2,
      logger: false,
    })
  return {
    async start(count) {
      directory = mkdtempSync(path.join(tmpdir(), 'connmgr-insights-'))
      await using manager = createManager()
      await manager.use((db) =>
        db.exec(`
          create table "User" (id integer primary key autoincrement, email text not null unique, name text);
          create table "Post" (id integer primary key autoincrement, title text not null,
            published boolean not null default false, "authorId" int not null references "User");
          insert into "User" (email) values ${rows(count, (n) => `('u${n}')`)};
          insert into "Post" (title, "authorId") values ${rows(count, (n) => `('p', ${n})`)}`),
      )
    },
    stop: async () => rmSync(directory, { recursive: true, force: true }),
    createManager: () => createManager(),
    subjects: [
      subject('typeorm', typeormOn({ type: 'better-sqlite3', database: 'app.db' })),
      subject('prisma', prismaOn(PrismaOnSqlite, '"Post"')),
      subject(
        'drizzle',
        drizzleOn(
          (manager) =>
            drizzleOnSqlite.withConnectionManager(
              {},
              manager as unknown as sqlite.SqliteConnectionManager,
            ),
          { users, posts } as unknown as DrizzleTables,
        ),
      ),
    ],
    posts: /\bPost\b/i,
    slowCondition:
      'id = 1 and exists (with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000000) ' +
      'select 1 from n where i = 1000000)',
  }
}

function onDuckdb(): TroubledDatabase {
  let directory = ''
  const createManager = () =>
    duckdb.createConnectionManager({ filename: path.join(directory, 'app.duckdb'), logger: false })
  return {
    async start(count) {
      directory = mkdtempSync(path.join(tmpdir(), 'connmgr-insights-'))
      await using manager = createManager()
      for (const each of [
        'create table "User" (id int primary key, email text)',
        'create table "Post" (id int primary key, title text, "authorId" int)',
        `insert into "User" values ${rows(count, (n) => `(${n}, 'u${n}')`)}`,
        `insert into "Post" values ${rows(count, (n) => `(${n}, 'p', ${n})`)}`,
      ])
        await manager.use((db) => db.run(each))
    },
    stop: async () => rmSync(directory, { recursive: true, force: true }),
    createManager: () => createManager() as ReturnType<TroubledDatabase['createManager']>,
    subjects: [subject('duckdb', duckdbAlone)],
    posts: /"Post"/,
    slowCondition:
      'id = 1 and (select sum(a.range * b.range % 7) from range(20000) a, range(20000) b) is not null',
  }
}

describeTroubles('on PostgreSQL', onPostgres())
describeEachProduct('in libraries', (lab) =>
  describeTroubles(`on ${lab.product.name}`, onMysql(lab)),
)
describeTroubles('on SQLite', onSqlite())
describeTroubles('on DuckDB', onDuckdb())
