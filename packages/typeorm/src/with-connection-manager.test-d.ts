import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { attachConnectionManager, getConnections, withConnectionManager } from '@connmgr/typeorm'
import { expectTypeOf } from 'expect-type'
import { DataSource } from 'typeorm'

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

function refusesWhatItCannotDo(): void {
  // @ts-expect-error only PostgreSQL
  withConnectionManager({ type: 'mysql' })
  // @ts-expect-error it is called poolSize
  withConnectionManager({ type: 'postgres' }, { poolsize: 5 })
}

export { keepsTheOptions, refusesWhatItCannotDo }
