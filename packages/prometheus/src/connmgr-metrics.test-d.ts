import { connectionManagers } from '@connmgr/core'
import * as mysql from '@connmgr/mysql'
import * as pg from '@connmgr/pg'
import { type ConnmgrMetrics, connmgrMetrics } from '@connmgr/prometheus'
import * as sqlite from '@connmgr/sqlite'
import { expectTypeOf } from 'expect-type'
import { type OpenMetricsContentType, Registry } from 'prom-client'

function takesManagersOfEveryDatabase(): void {
  const managers = [
    pg.createConnectionManager(),
    mysql.createConnectionManager(),
    sqlite.createConnectionManager({ databaseUrl: 'file:shop.db' }),
  ] as const
  for (const manager of managers) connmgrMetrics(manager)
  connmgrMetrics(managers, { operationDuration: true })
  connmgrMetrics(() => managers)
  connmgrMetrics(connectionManagers)
  expectTypeOf(connmgrMetrics()).toEqualTypeOf<ConnmgrMetrics>()
  expectTypeOf(connmgrMetrics().metrics()).toEqualTypeOf<string>()
  // @ts-expect-error a URL is no manager
  connmgrMetrics('postgresql://localhost/shop')
}

function takesRegistriesOfPromClient(metrics: ConnmgrMetrics): void {
  expectTypeOf(metrics.register(new Registry())).toEqualTypeOf<() => void>()
  const openMetrics: Registry<OpenMetricsContentType> = new Registry()
  metrics.register(openMetrics)
}

void takesManagersOfEveryDatabase
void takesRegistriesOfPromClient
