import { createConnectionManager as createMysql, type MysqlConnectionManager } from '@connmgr/mysql'
import type { PgConnectionManager } from '@connmgr/pg'
import {
  type AnyConnectionManager,
  type ConnectionManagerAdapter,
  connectionManagerAdapter,
  type Managed,
  replayTransaction,
  withConnectionManager,
} from '@connmgr/prisma'
import {
  createConnectionManager as createSqlite,
  type SqliteConnectionManager,
} from '@connmgr/sqlite'
import { expectTypeOf } from 'expect-type'
import { PrismaClient as MysqlClient } from '../test/mariadb/generated/client.js'
import { PrismaClient as SqliteClient } from '../test/sqlite/generated/client.js'

const sqlite = createSqlite({ filename: 'app.db' })
const mysql = createMysql({ databaseUrl: 'mysql://localhost/app' })

async function knowsSqliteByItsManagerItsPathOrItsUrl(): Promise<void> {
  const byManager = withConnectionManager(SqliteClient, sqlite)
  expectTypeOf(byManager).toEqualTypeOf<Managed<SqliteClient, SqliteConnectionManager>>()
  expectTypeOf(byManager.$connections).toEqualTypeOf<SqliteConnectionManager>()
  const byPath = withConnectionManager(SqliteClient, { filename: 'app.db', readers: 2 })
  expectTypeOf(byPath.$connections).toEqualTypeOf<SqliteConnectionManager>()
  const byUrl = withConnectionManager((adapter) => new SqliteClient({ adapter, log: ['warn'] }), {
    databaseUrl: 'file:app.db',
  })
  expectTypeOf(byUrl.$connections).toEqualTypeOf<SqliteConnectionManager>()
  expectTypeOf(await byUrl.user.findMany({ select: { id: true } })).toEqualTypeOf<
    { id: number }[]
  >()
  const extended = byUrl.$extends({ client: { answer: (): number => 42 } })
  expectTypeOf(extended.$connections).toEqualTypeOf<SqliteConnectionManager>()
  expectTypeOf(extended.answer()).toEqualTypeOf<number>()
}

async function knowsMysqlByItsManagerOrItsUrl(): Promise<void> {
  const byManager = withConnectionManager(MysqlClient, mysql)
  expectTypeOf(byManager.$connections).toEqualTypeOf<MysqlConnectionManager>()
  const byUrl = withConnectionManager(MysqlClient, { databaseUrl: 'mariadb://db1/app' })
  expectTypeOf(byUrl.$connections).toEqualTypeOf<MysqlConnectionManager>()
  const count = await replayTransaction(byUrl, (tx) => tx.user.count(), { replay: 'safe' })
  expectTypeOf(count).toEqualTypeOf<number>()
}

function takesAnyOtherForPostgres(url: string): void {
  const prisma = withConnectionManager(SqliteClient, { databaseUrl: url })
  expectTypeOf(prisma.$connections).toEqualTypeOf<PgConnectionManager>()
}

function makesAdapters(): void {
  expectTypeOf(connectionManagerAdapter(sqlite, { timestampFormat: 'unixepoch-ms' })).toEqualTypeOf<
    ConnectionManagerAdapter<SqliteConnectionManager>
  >()
  expectTypeOf(
    connectionManagerAdapter(mysql, { useTextProtocol: true }).manager,
  ).toEqualTypeOf<MysqlConnectionManager>()
  // @ts-expect-error there is no such format
  connectionManagerAdapter(sqlite, { timestampFormat: 'rfc' })
  // @ts-expect-error SQLite has no schemas
  connectionManagerAdapter(sqlite, { schema: 'shop' })
  const client = new SqliteClient({ adapter: connectionManagerAdapter(sqlite) })
  expectTypeOf(
    withConnectionManager(client, sqlite).$connections,
  ).toEqualTypeOf<SqliteConnectionManager>()
}

function refusesWhatDoesNotFit(): void {
  // @ts-expect-error there is no such option
  withConnectionManager(SqliteClient, { filename: 'app.db', poolSise: 3 })
  // @ts-expect-error a file has one writer
  withConnectionManager(SqliteClient, { filename: 'app.db', poolSize: 3 })
}

function sharesWhatAllManagersHave(manager: AnyConnectionManager): void {
  expectTypeOf(manager.detectLeaks()).not.toBeAny()
  expectTypeOf(manager.getPoolMetrics().checkedOut).toEqualTypeOf<number>()
}

export {
  knowsMysqlByItsManagerOrItsUrl,
  knowsSqliteByItsManagerItsPathOrItsUrl,
  makesAdapters,
  refusesWhatDoesNotFit,
  sharesWhatAllManagersHave,
  takesAnyOtherForPostgres,
}
