import {
  createConnectionManager as createMysqlManager,
  type MysqlConnectionManager,
} from '@connmgr/mysql'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import {
  createConnectionManager as createSqliteManager,
  type SqliteConnectionManager,
} from '@connmgr/sqlite'
import {
  attachConnectionManager,
  getConnections,
  type MysqlDataSourceOptions,
  once,
  type PostgresDataSourceOptions,
  type SqliteDataSourceOptions,
  withConnectionManager,
} from '@connmgr/typeorm'
import { expectTypeOf } from 'expect-type'
import { DataSource, type DataSourceOptions } from 'typeorm'

function keepsTheOptions(): void {
  const options = withConnectionManager(
    { type: 'postgres', url: 'postgres://h/d', synchronize: true },
    { poolSize: 3 },
  )
  expectTypeOf(options.type).toEqualTypeOf<'postgres'>()
  const dataSource = new DataSource(options)
  expectTypeOf(getConnections(dataSource)).toEqualTypeOf<PgConnectionManager>()
  expectTypeOf(
    attachConnectionManager(dataSource, createConnectionManager()),
  ).toEqualTypeOf<PgConnectionManager>()
}

async function isKeptByOnce(): Promise<void> {
  const make = () =>
    new DataSource(withConnectionManager({ type: 'postgres', url: 'postgres://h/d' }))
  expectTypeOf(once('main', make)).toEqualTypeOf<DataSource>()
  expectTypeOf(await once('opened', () => make().initialize())).toEqualTypeOf<DataSource>()
}

function takesOptionsOfUnknownDatabase(options: DataSourceOptions): void {
  expectTypeOf(withConnectionManager(options)).toEqualTypeOf<DataSourceOptions>()
  const typed: DataSourceOptions = { type: 'postgres', url: 'postgres://h/d' }
  void new DataSource(withConnectionManager(typed, { poolSize: 3 }))
  void new DataSource(withConnectionManager({ type: 'postgres' } as DataSourceOptions))
  const postgres = withConnectionManager(options as PostgresDataSourceOptions)
  expectTypeOf(postgres).toEqualTypeOf<PostgresDataSourceOptions>()
  // @ts-expect-error it is called poolSize
  withConnectionManager(options, { poolsize: 5 })
}

function takesOptionsThatAreMoreThanOurs(): void {
  const shared = { type: 'postgres' as const, url: 'postgres://h/d', autoLoadEntities: true }
  expectTypeOf(withConnectionManager(shared)).toEqualTypeOf<PostgresDataSourceOptions>()
  const ofNest = withConnectionManager({
    type: 'postgres',
    url: 'postgres://h/d',
    autoLoadEntities: true,
    retryAttempts: 3,
    toRetry: () => true,
  })
  expectTypeOf(ofNest).toEqualTypeOf<PostgresDataSourceOptions>()
  const { entities } = withConnectionManager({ ...shared, entities: [] })
  expectTypeOf(entities).toEqualTypeOf<PostgresDataSourceOptions['entities']>()
}

function managesMysqlAndMariadb(): void {
  const options = withConnectionManager(
    { type: 'mariadb', url: 'mysql://h/d', autoLoadEntities: true },
    { poolSize: 3, connectionConfig: { jsonStrings: true } },
  )
  expectTypeOf(options).toEqualTypeOf<MysqlDataSourceOptions>()
  const dataSource = new DataSource(options)
  expectTypeOf(getConnections(dataSource, 'mariadb')).toEqualTypeOf<MysqlConnectionManager>()
  expectTypeOf(getConnections(dataSource, 'mysql')).toEqualTypeOf<MysqlConnectionManager>()
  expectTypeOf(
    attachConnectionManager(dataSource, { connectionConfig: {} }, 'mysql'),
  ).toEqualTypeOf<MysqlConnectionManager>()
  withConnectionManager({ type: 'mysql' }, createMysqlManager())
  // @ts-expect-error it is called connectionConfig
  withConnectionManager({ type: 'mysql' }, { clientConfig: {} })
  // @ts-expect-error it is called charset
  withConnectionManager({ type: 'mysql', charSet: 'utf8mb4' })
  // @ts-expect-error a manager of another database
  withConnectionManager({ type: 'mysql' }, createConnectionManager())
}

function managesSqlite(): void {
  const options = withConnectionManager(
    { type: 'better-sqlite3', database: 'app.db' },
    { readers: 2, busyTimeoutMs: 100 },
  )
  expectTypeOf(options).toEqualTypeOf<SqliteDataSourceOptions>()
  const dataSource = new DataSource(options)
  expectTypeOf(
    getConnections(dataSource, 'better-sqlite3'),
  ).toEqualTypeOf<SqliteConnectionManager>()
  expectTypeOf(
    attachConnectionManager(dataSource, createSqliteManager(), 'better-sqlite3'),
  ).toEqualTypeOf<SqliteConnectionManager>()
  // @ts-expect-error a file has one writer
  withConnectionManager({ type: 'better-sqlite3', database: 'app.db' }, { poolSize: 5 })
  expectTypeOf(
    withConnectionManager({ type: 'better-sqlite3' }, createSqliteManager()),
  ).toEqualTypeOf<SqliteDataSourceOptions>()
  // @ts-expect-error it is called database
  withConnectionManager({ type: 'better-sqlite3', databse: 'app.db' })
  // @ts-expect-error no type of a managed DataSource
  getConnections(dataSource, 'sqlite')
}

function refusesWhatItCannotDo(): void {
  // @ts-expect-error no database that connmgr manages
  withConnectionManager({ type: 'mssql' })
  // @ts-expect-error no database that connmgr manages
  withConnectionManager({ type: 'sqljs' } as Extract<DataSourceOptions, { type: 'sqljs' }>)
  // @ts-expect-error it is called poolSize
  withConnectionManager({ type: 'postgres' }, { poolsize: 5 })
  // @ts-expect-error it is called synchronize
  withConnectionManager({ type: 'postgres', synchronise: true })
  // @ts-expect-error it is called autoLoadEntities
  withConnectionManager({ type: 'postgres', autoloadEntities: true })
  // @ts-expect-error it is called failoverUrls
  withConnectionManager({ type: 'postgres', synchronize: true }, { failOverUrls: [] })
  // @ts-expect-error it is called poolSize
  attachConnectionManager(new DataSource({ type: 'postgres' }), { poolsize: 5 })
}

export {
  isKeptByOnce,
  keepsTheOptions,
  managesMysqlAndMariadb,
  managesSqlite,
  refusesWhatItCannotDo,
  takesOptionsOfUnknownDatabase,
  takesOptionsThatAreMoreThanOurs,
}
