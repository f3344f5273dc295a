import pg from 'pg'
import {
  emptyRowOf,
  type Field,
  type RowQuery,
  type TypeParser,
  takesColumns,
} from './standard-query.js'

/** By the columns that results were described by before. */
const emptyRows = new WeakMap<readonly Field[], object | null | undefined>()

/**
 * Tells a query which columns its rows have, with the effect that `query.handleRowDescription` has. Where the same columns were
 * described before, what node-postgres makes of their names is not made again: for a join it takes longer than all rows.
 */
export function describeRows(query: RowQuery, fields: readonly Field[]): void {
  const result = query._result
  if (result === undefined || !takesColumns(query)) {
    query.handleRowDescription?.({ fields: fields.slice() })
    return
  }
  if (!emptyRows.has(fields)) emptyRows.set(fields, emptyRowOf(fields))
  query._checkForMultirow?.()
  // Of several statements each has a result of its own, the latest of which this is.
  const latest = query._result as NonNullable<RowQuery['_result']>
  latest.fields = fields.slice()
  if (fields.length > 0) latest._parsers = parsersOf(fields, latest._types ?? pg.types)
  latest._prebuiltEmptyResultObject = emptyRows.get(fields) ?? null
  query._accumulateRows = query.callback || query.listenerCount('row') === 0
}

interface Types {
  getTypeParser(type: number, format: string): TypeParser
}

function parsersOf(fields: readonly Field[], types: unknown): readonly TypeParser[] {
  const parsers = new Array<TypeParser>(fields.length)
  for (let at = 0; at < fields.length; at += 1) {
    const { dataTypeID, format } = fields[at] as Field
    parsers[at] = (types as Types).getTypeParser(dataTypeID, format || 'text')
  }
  return parsers
}
