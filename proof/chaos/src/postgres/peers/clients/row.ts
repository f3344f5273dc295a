import { EntitySchema } from 'typeorm'

/** A row of the ledger, for TypeORM. */
export const Row = new EntitySchema<{ row: string; id: string }>({
  name: 'ledger',
  columns: {
    row: { type: 'bigint', primary: true, generated: true },
    id: { type: 'text' },
  },
})
