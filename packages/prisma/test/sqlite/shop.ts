import type { SqliteConnectionManager, SqliteLibrary } from '@connmgr/sqlite'
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import { PrismaLibSql } from '@prisma/adapter-libsql'
import { PrismaClient } from './generated/client.js'

const TABLES = `
  create table User (
    id integer not null primary key autoincrement,
    email text not null,
    name text
  );
  create unique index User_email_key on User (email);
  create table Post (
    id integer not null primary key autoincrement,
    title text not null,
    published boolean not null default false,
    authorId integer not null,
    foreign key (authorId) references User (id)
  );
  create table Sample (
    id integer not null primary key autoincrement,
    int integer,
    big bigint,
    float real,
    decimal decimal,
    flag boolean,
    text text,
    at datetime,
    bytes blob,
    json jsonb
  )`

/** Makes the tables of `schema.prisma`. */
export function createShop(manager: SqliteConnectionManager): Promise<void> {
  return manager.use((db) => db.exec(TABLES))
}

/** A client with Prisma's own adapter: the one for libSQL under `libsql`, else the one for better-sqlite3. */
export function openPlain(library: SqliteLibrary, filename: string): PrismaClient {
  const url = `file:${filename}`
  const adapter =
    library === 'libsql' ? new PrismaLibSql({ url }) : new PrismaBetterSqlite3({ url })
  return new PrismaClient({ adapter })
}
