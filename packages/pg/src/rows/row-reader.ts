import pg from 'pg'
import type { ClientInternals, PendingQuery } from '../client-internals.js'
import { type ColumnKind, kindOf, TEXT, type TypeParser, WHOLE } from './column-kind.js'
import { textAt } from './short-text.js'

/** `pg.Query`, as far as it deals with rows. */
interface RowQuery extends Omit<PendingQuery, '_result'> {
  readonly _result?: RowResult
  readonly _accumulateRows?: unknown
  readonly handleDataRow?: unknown
  _canceledDueToError?: unknown
  listenerCount(event: string): number
}

/** `pg.Result`, likewise. */
interface RowResult {
  readonly rows: object[]
  readonly fields: readonly { readonly name: string; readonly format?: string }[]
  readonly parseRow?: unknown
  readonly addRow?: unknown
  readonly _parsers?: readonly TypeParser[]
  readonly _prebuiltEmptyResultObject?: object | null
}

/** More digits than these may not fit a number. */
const MOST_DIGITS = 15
const MINUS = 45
const ZERO = 48

const ofNodePostgres = new pg.Query('') as unknown as RowQuery

/**
 * Reads the rows of a query into its result, as node-postgres does but without a text, a message and an event for each value
 * and row: values that are the same as lately, and whole numbers, are taken from the bytes. Only for queries with which
 * node-postgres would do nothing else, as with those of a cursor or with listeners.
 */
export class RowReader {
  readonly #client: ClientInternals
  readonly #kinds: ColumnKind[] = []
  #query: RowQuery | undefined

  constructor(client: ClientInternals) {
    this.#client = client
  }

  /** Whether the rows that come next may be read here. */
  begin(): boolean {
    const { connection, _activeQuery } = this.#client
    const query = _activeQuery as RowQuery | null | undefined
    const result = query?._result
    if (
      !query ||
      query.handleDataRow !== ofNodePostgres.handleDataRow ||
      result?.parseRow !== ofNodePostgres._result?.parseRow ||
      result?.addRow !== ofNodePostgres._result?.addRow ||
      !result?._prebuiltEmptyResultObject ||
      !query._accumulateRows ||
      query._canceledDueToError ||
      query.listenerCount('row') > 0 ||
      connection?._emitMessage !== false ||
      connection.listenerCount('dataRow') !== 1
    )
      return false
    const { fields, _parsers = [] } = result
    this.#kinds.length = fields.length
    for (let at = 0; at < fields.length; at += 1) {
      if (fields[at]?.format !== 'text') return false
      this.#kinds[at] = kindOf(_parsers[at] as TypeParser)
    }
    this.#query = query
    return true
  }

  /**
   * Reads one row.
   *
   * @param from where its number of values stands
   * @returns whether it has; if not, node-postgres is to do what it does with it
   */
  read(bytes: Buffer, from: number): boolean {
    const query = this.#query as RowQuery
    const result = query._result as RowResult
    const kinds = this.#kinds
    const { fields } = result
    const parsers = result._parsers as readonly TypeParser[]
    if (bytes.readUInt16BE(from) !== kinds.length) return false
    const row: Record<string, unknown> = { ...result._prebuiltEmptyResultObject }
    let at = from + 2
    try {
      for (let column = 0; column < kinds.length; column += 1) {
        const length = bytes.readInt32BE(at)
        const name = (fields[column] as { name: string }).name
        at += 4
        if (length === -1) {
          row[name] = null
          continue
        }
        const kind = kinds[column]
        const end = at + length
        const whole = kind === WHOLE ? wholeAt(bytes, at, end) : undefined
        if (whole !== undefined) row[name] = whole
        else {
          const text = textAt(bytes, at, end)
          row[name] = kind === TEXT ? text : (parsers[column] as TypeParser)(text)
        }
        at = end
      }
    } catch (error) {
      // As node-postgres does with a parser that fails: no more rows, and the query ends with it.
      query._canceledDueToError = error
      return false
    }
    result.rows.push(row)
    return true
  }
}

/** The number of some digits; undefined for what has anything else. */
function wholeAt(bytes: Buffer, from: number, to: number): number | undefined {
  const negative = bytes[from] === MINUS
  const first = negative ? from + 1 : from
  if (first === to || to - first > MOST_DIGITS) return undefined
  let number = 0
  for (let at = first; at < to; at += 1) {
    const digit = (bytes[at] as number) - ZERO
    if (digit < 0 || digit > 9) return undefined
    number = number * 10 + digit
  }
  return negative ? -number : number
}
