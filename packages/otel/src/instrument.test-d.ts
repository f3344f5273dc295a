import { type ConnectionManager, connectionManagers } from '@connmgr/core'
import * as duckdb from '@connmgr/duckdb'
import * as mysql from '@connmgr/mysql'
import { type InstrumentOptions, instrument, type MeasuredManagers } from '@connmgr/otel'
import * as pg from '@connmgr/pg'
import * as sqlite from '@connmgr/sqlite'
import type { MeterProvider } from '@opentelemetry/api'
import type * as sdk from '@opentelemetry/sdk-metrics'
import { expectTypeOf } from 'expect-type'

async function takesManagersOfEveryDatabase(): Promise<void> {
  const managers = [
    pg.createConnectionManager(),
    mysql.createConnectionManager(),
    sqlite.createConnectionManager({ databaseUrl: 'file:shop.db' }),
    await duckdb.createConnectionManager({ databaseUrl: 'shop.duckdb' }),
  ] as const
  for (const manager of managers) instrument(manager)
  instrument(managers)
  instrument(new Set(managers))
  instrument(new Map([['shop', managers[0]]]).values())
  instrument(() => [...managers])
  instrument(connectionManagers)
  instrument(connectionManagers())
  expectTypeOf(instrument()).toEqualTypeOf<() => void>()
  expectTypeOf<ConnectionManager<Date>>().toExtend<MeasuredManagers>()
}

function takesProvidersOfTheSdk(manager: MeasuredManagers, provider: sdk.MeterProvider): void {
  instrument(manager, { meterProvider: provider, operationDuration: true })
  expectTypeOf<InstrumentOptions['meterProvider']>().toEqualTypeOf<MeterProvider | undefined>()
  // @ts-expect-error a URL is no manager
  instrument('postgresql://localhost/shop')
  // @ts-expect-error a pool is not its manager
  instrument(pg.createConnectionManager().pool)
  // @ts-expect-error there is no such option
  instrument(manager, { operations: true })
}

void takesManagersOfEveryDatabase
void takesProvidersOfTheSdk
