import type { PendingQuery } from '../client-internals.js'
import { nodePostgres } from '../node-postgres.js'

/** What node-postgres makes of the text of a value. */
export type TypeParser = (text: string) => unknown

/** What the server says of a column: `Field` of pg-protocol. */
export interface Field {
  readonly name: string
  readonly tableID: number
  readonly columnID: number
  readonly dataTypeID: number
  readonly dataTypeSize: number
  readonly dataTypeModifier: number
  readonly format: 'text' | 'binary'
}
type FieldClass = new (...values: Field[keyof Field][]) => Field

export function copyOf(field: Field): Field {
  const { columnID, dataTypeID, dataTypeModifier, dataTypeSize, format, name, tableID } = field
  const Class = field.constructor as FieldClass
  return new Class(name, tableID, columnID, dataTypeID, dataTypeSize, dataTypeModifier, format)
}

/** `pg.Query`, as far as it deals with rows. */
export interface RowQuery extends Omit<PendingQuery, '_result'> {
  readonly _result?: RowResult
  readonly handleDataRow?: unknown
  readonly handleRowDescription?: (message: { fields: readonly Field[] }) => void
  _accumulateRows?: unknown
  _canceledDueToError?: unknown
  _checkForMultirow?(): void
  listenerCount(event: string): number
}

/** `pg.Result`, likewise. */
export interface RowResult {
  readonly rows: object[]
  fields: readonly Field[]
  /** Makes objects of rows; in a result of arrays, the next. */
  readonly parseRow?: unknown
  readonly _parseRowAsArray?: unknown
  readonly addRow?: unknown
  readonly addFields?: (fields: readonly Field[]) => void
  readonly _types?: { getTypeParser(type: number, format: string): TypeParser } | null
  _parsers?: readonly TypeParser[]
  /** A row without values; each row begins as a copy. Below pg 8.12 there is none. */
  _prebuiltEmptyResultObject?: object | null
}

const standard = new nodePostgres.Query('') as unknown as RowQuery
const standardResult = standard._result as RowResult

/** Whether node-postgres itself makes the rows of a result. */
function makesRows({ _parseRowAsArray, parseRow }: RowResult): boolean {
  return (
    parseRow === standardResult.parseRow ||
    (parseRow === _parseRowAsArray && parseRow === standardResult._parseRowAsArray)
  )
}

/** Whether the rows of a result are arrays. */
export function hasArrays({ parseRow }: RowResult): boolean {
  return parseRow === standardResult._parseRowAsArray
}

/** Whether node-postgres itself, and nothing put in its place, takes what the server says of a query's columns. */
export function takesColumns(query: RowQuery): boolean {
  const result = query._result
  return (
    result !== undefined &&
    query.handleRowDescription === standard.handleRowDescription &&
    result.addFields === standardResult.addFields &&
    makesRows(result)
  )
}

/** Likewise a query's rows, which it only keeps. */
export function keepsRows(query: RowQuery): boolean {
  const result = query._result
  return (
    result?._prebuiltEmptyResultObject != null &&
    query.handleDataRow === standard.handleDataRow &&
    makesRows(result) &&
    result.addRow === standardResult.addRow &&
    Boolean(query._accumulateRows) &&
    !query._canceledDueToError &&
    query.listenerCount('row') === 0
  )
}

/** A row of some columns without values, as node-postgres makes it. */
export function emptyRowOf(fields: readonly Field[]): object | null | undefined {
  const result = (new nodePostgres.Query('') as unknown as RowQuery)._result
  result?.addFields?.(fields)
  return result?._prebuiltEmptyResultObject
}
