import { replayTransaction } from '@connmgr/typeorm'
import { expectTypeOf } from 'expect-type'
import type { DataSource, EntityManager } from 'typeorm'

async function infersTheResult(dataSource: DataSource): Promise<void> {
  const found = await replayTransaction(
    dataSource,
    async (entities, attempt) => {
      expectTypeOf(entities).toEqualTypeOf<EntityManager>()
      expectTypeOf(attempt).toEqualTypeOf<number>()
      return { id: attempt }
    },
    { isolation: 'SERIALIZABLE', deadlineMs: 1000, outcome: async () => 'unknown' },
  )
  expectTypeOf(found).toEqualTypeOf<{ id: number }>()
  // @ts-expect-error there is no such level
  await replayTransaction(dataSource, async () => 1, { isolation: 'NONSENSE' })
}

export { infersTheResult }
