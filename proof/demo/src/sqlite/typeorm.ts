import type { SqliteConnectionManager } from '@connmgr/sqlite'
import { withConnectionManager } from '@connmgr/typeorm'
import { DataSource } from 'typeorm'
import { ledgerEntity, typeormWorkload } from '../workloads/typeorm.js'
import type { Workload } from '../workloads/workload.js'

export function startTypeorm(
  manager: SqliteConnectionManager,
  database: string,
): Promise<Workload> {
  return typeormWorkload(
    new DataSource(
      withConnectionManager(
        { type: 'better-sqlite3', database, entities: [ledgerEntity('integer')] },
        manager,
      ),
    ),
  )
}
