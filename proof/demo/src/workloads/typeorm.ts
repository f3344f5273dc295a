import { replayTransaction } from '@connmgr/typeorm'
import { type DataSource, EntitySchema } from 'typeorm'
import type { Workload } from './workload.js'

interface LedgerRow {
  row: string
  id: string
  orm: string
}

/** @param key the type of the column that numbers the rows */
export function ledgerEntity(key: 'bigint' | 'integer'): EntitySchema<LedgerRow> {
  return new EntitySchema<LedgerRow>({
    name: 'ledger',
    columns: {
      row: { type: key, primary: true, generated: true },
      id: { type: 'text' },
      orm: { type: 'text' },
    },
  })
}

/** @param dataSource with the entity of the ledger */
export async function typeormWorkload(dataSource: DataSource): Promise<Workload> {
  await dataSource.initialize()

  async function forgetQueryRunner(): Promise<() => Promise<void>> {
    const queryRunner = dataSource.createQueryRunner()
    await queryRunner.startTransaction()
    await queryRunner.query("select 'a query runner that is never released'")
    return async () => {
      await queryRunner.rollbackTransaction()
      await queryRunner.release()
    }
  }

  return {
    orm: 'typeorm',
    write: async (id) => {
      await dataSource.getRepository<LedgerRow>('ledger').insert({ id, orm: 'typeorm' })
    },
    writeSafely: (id, before) =>
      replayTransaction(dataSource, async (entities, attempt) => {
        await before?.(attempt, (sql) => entities.query(sql))
        await entities.insert<LedgerRow>('ledger', { id, orm: 'typeorm' })
      }),
    read: () => dataSource.getRepository<LedgerRow>('ledger').countBy({ orm: 'typeorm' }),
    leak: forgetQueryRunner,
    close: () => dataSource.destroy(),
  }
}
