import {
  createConnectionManager,
  createTenants,
  once,
  type PgConnectionManager,
  type PgTenants,
} from '@connmgr/pg'
import { expectTypeOf } from 'expect-type'

async function keepsWhatIsMade(): Promise<void> {
  const manager = once('main', () => createConnectionManager({ poolSize: 3 }))
  expectTypeOf(manager).toEqualTypeOf<PgConnectionManager>()
  const { rows } = await manager.use((client) => client.query<{ n: number }>('select 1 as n'))
  expectTypeOf(rows).toEqualTypeOf<{ n: number }[]>()
  const tenants = once('tenants', () =>
    createTenants({ resolve: (id: number) => ({ database: `t${id}` }) }),
  )
  expectTypeOf(tenants).toEqualTypeOf<PgTenants<number>>()
  const started = once('started', async () => {
    await manager.ready()
    return manager
  })
  expectTypeOf(started).toEqualTypeOf<Promise<PgConnectionManager>>()
  // @ts-expect-error there is nothing to keep
  once('nothing', () => 5)
}

export { keepsWhatIsMade }
