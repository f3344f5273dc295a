import type { PgConnectionManager } from '@connmgr/pg'
import { withConnectionManager } from '@connmgr/typeorm'
import { DataSource } from 'typeorm'
import { ledgerEntity, typeormWorkload } from '../workloads/typeorm.js'
import type { Workload } from '../workloads/workload.js'

export function startTypeorm(manager: PgConnectionManager): Promise<Workload> {
  return typeormWorkload(
    new DataSource(
      withConnectionManager({ type: 'postgres', entities: [ledgerEntity('bigint')] }, manager),
    ),
  )
}
