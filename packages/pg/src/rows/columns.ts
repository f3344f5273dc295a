import { nodePostgres } from '../node-postgres.js'
import {
  copyOf,
  emptyRowOf,
  type Field,
  type RowQuery,
  type RowResult,
  type TypeParser,
  takesColumns,
} from './standard-query.js'

/** By columns that were described before. */
const emptyRows = new WeakMap<readonly Field[], object | null | undefined>()

/**
 * Tells a query which columns its rows have, with the effect that `query.handleRowDescription` has. Where the same columns were
 * described before, what node-postgres makes of their names is not made again: for a join it takes longer than all rows.
 */
export function describeRows(query: RowQuery, fields: readonly Field[]): void {
  const emptyRow = takesColumns(query) ? knownEmptyRowOf(fields) : undefined
  // Who has a result may write to its columns.
  const own = fields.map(copyOf)
  if (!emptyRow) {
    query.handleRowDescription?.({ fields: own })
    return
  }
  query._checkForMultirow?.()
  const result = query._result as RowResult
  result.fields = own
  if (own.length > 0) result._parsers = parsersOf(own, result._types ?? nodePostgres.types)
  result._prebuiltEmptyResultObject = emptyRow
  query._accumulateRows = query.callback || query.listenerCount('row') === 0
}

function knownEmptyRowOf(fields: readonly Field[]): object | null | undefined {
  let emptyRow = emptyRows.get(fields)
  if (emptyRow === undefined) {
    emptyRow = emptyRowOf(fields)
    emptyRows.set(fields, emptyRow)
  }
  return emptyRow
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
