import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import {
  attachConnectionManager,
  getConnections,
  once,
  type PostgresDataSourceOptions,
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

function refusesWhatItCannotDo(): void {
  // @ts-expect-error only PostgreSQL
  withConnectionManager({ type: 'mysql' })
  // @ts-expect-error only PostgreSQL
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
  refusesWhatItCannotDo,
  takesOptionsOfUnknownDatabase,
  takesOptionsThatAreMoreThanOurs,
}
