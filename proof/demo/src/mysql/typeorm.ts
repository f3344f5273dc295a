import type { MysqlConnectionManager } from '@connmgr/mysql'
import { withConnectionManager } from '@connmgr/typeorm'
import { DataSource } from 'typeorm'
import { ledgerEntity, typeormWorkload } from '../workloads/typeorm.js'
import type { Workload } from '../workloads/workload.js'

export function startTypeorm(
  manager: MysqlConnectionManager,
  type: 'mysql' | 'mariadb',
): Promise<Workload> {
  return typeormWorkload(
    new DataSource(withConnectionManager({ type, entities: [ledgerEntity('bigint')] }, manager)),
  )
}
