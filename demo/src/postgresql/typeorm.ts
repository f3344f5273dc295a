import type { PgConnectionManager } from '@connmgr/pg'
import { replayTransaction, withConnectionManager } from '@connmgr/typeorm'
import { DataSource, EntitySchema } from 'typeorm'
import type { Workload } from '../workload.js'

interface LedgerRow {
  row: string
  id: string
  orm: string
}

const Ledger = new EntitySchema<LedgerRow>({
  name: 'ledger',
  columns: {
    row: { type: 'bigint', primary: true, generated: true },
    id: { type: 'text' },
    orm: { type: 'text' },
  },
})

export async function startTypeorm(manager: PgConnectionManager): Promise<Workload> {
  const dataSource = new DataSource(
    withConnectionManager({ type: 'postgres', entities: [Ledger] }, manager),
  )
  await dataSource.initialize()

  async function forgetQueryRunner(): Promise<() => Promise<void>> {
    const queryRunner = dataSource.createQueryRunner()
    await queryRunner.connect()
    await queryRunner.query("select 'a query runner that nobody releases'")
    return () => queryRunner.release()
  }

  return {
    orm: 'typeorm',
    write: async (id) => {
      await dataSource.getRepository(Ledger).insert({ id, orm: 'typeorm' })
    },
    writeSafely: (id, before) =>
      replayTransaction(dataSource, async (entities, attempt) => {
        await before?.(attempt, (sql) => entities.query(sql))
        await entities.insert(Ledger, { id, orm: 'typeorm' })
      }),
    read: () => dataSource.getRepository(Ledger).countBy({ orm: 'typeorm' }),
    leak: forgetQueryRunner,
    close: () => dataSource.destroy(),
  }
}
