import type { PgConnectionManager } from '@connmgr/pg'
import type { Workload } from '../../../demo/src/workloads/workload.js'
import type { Work } from '../load.js'

/** The API that the load goes through. */
export type Orm = 'pg' | 'typeorm' | 'prisma' | 'drizzle'

/** Whether reads through it go to standbys; the others read from the primary, as they are set up here. */
export function readsFromStandbys(orm: Orm): boolean {
  return orm === 'pg' || orm === 'drizzle'
}

export interface OrmWork extends Work, Pick<Workload, 'writeSafely'> {
  /** Ends what the ORM itself holds; the manager is ended apart. */
  close(): Promise<unknown>
}

/** Sets up an ORM on a manager; each is loaded only when it is used. */
export async function startWork(orm: Orm, manager: PgConnectionManager): Promise<OrmWork> {
  switch (orm) {
    case 'pg':
      return throughPool(manager)
    case 'typeorm':
      return (await import('../../../demo/src/postgresql/typeorm.js')).startTypeorm(manager)
    case 'prisma':
      return (await import('../../../demo/src/postgresql/prisma.js')).startPrisma(manager)
    case 'drizzle':
      return (await import('../../../demo/src/postgresql/drizzle.js')).startDrizzle(manager)
  }
}

/** Without an ORM: autocommit statements on the manager's `pg.Pool`s. */
function throughPool(manager: PgConnectionManager): OrmWork {
  return {
    orm: 'pg',
    write: (id) => manager.pool.query("insert into ledger (id, orm) values ($1, 'pg')", [id]),
    writeSafely: (id, before) =>
      manager.transaction(
        async (client, _lease, attempt) => {
          await before?.(attempt, (sql) => client.query(sql))
          await client.query("insert into ledger (id, orm) values ($1, 'pg')", [id])
        },
        { replay: 'safe' },
      ),
    read: () => manager.replica.query("select count(*) from ledger where orm = 'pg'"),
    close: async () => {},
  }
}
