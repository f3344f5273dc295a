import type { ClientInternals } from '../client-internals.js'
import { type ColumnKind, kindOf, MOMENT, TEXT, WHOLE } from './column-kind.js'
import { describeRows } from './columns.js'
import { KnownDescriptions } from './known-descriptions.js'
import { momentAt } from './moment.js'
import { textAt } from './short-text.js'
import {
  type Field,
  hasArrays,
  keepsRows,
  type RowQuery,
  type RowResult,
  type TypeParser,
  takesColumns,
} from './standard-query.js'

/** More digits than these may not fit a number. */
const MOST_DIGITS = 15
/** Before each value. */
const LENGTH_BYTES = 4
const NULL = -1
const MINUS = 45
const ZERO = 48

/** Of the whole process. */
const descriptions = new KnownDescriptions()

/**
 * Reads the columns and rows of a query into its result, as node-postgres does but without a text, a message and an event for
 * each value and row. Only for queries with which node-postgres would do nothing else: not for those of a cursor, or with
 * listeners.
 */
export class RowReader {
  readonly #client: ClientInternals
  #kinds: readonly ColumnKind[] = []
  #query: RowQuery | undefined

  constructor(client: ClientInternals) {
    this.#client = client
  }

  /** Whether what the server says of columns may be read here. */
  #described(): RowQuery | undefined {
    const query = this.#client._activeQuery as RowQuery | null | undefined
    return query && takesColumns(query) && this.#isUnseen('rowDescription') ? query : undefined
  }

  /** Reads what the server says of columns, if it has said the same before. Returns whether it has. */
  describe(bytes: Buffer, from: number, to: number): boolean {
    const query = this.#described()
    const fields = query && descriptions.get(bytes, from, to)
    if (fields === undefined) return false
    describeRows(query as RowQuery, fields)
    return true
  }

  /** Remembers what node-postgres has read of it. */
  learn(bytes: Buffer, from: number, to: number): void {
    const fields = this.#described()?._result?.fields
    if (fields !== undefined) descriptions.learn(bytes, from, to, fields)
  }

  /** Whether the rows that come next may be read here. */
  begin(): boolean {
    const query = this.#client._activeQuery as RowQuery | null | undefined
    if (!query || !keepsRows(query) || !this.#isUnseen('dataRow')) return false
    const { fields, _parsers = [] } = query._result as RowResult
    const kinds = new Array<ColumnKind>(fields.length)
    for (let at = 0; at < fields.length; at += 1) {
      if (fields[at]?.format !== 'text') return false
      kinds[at] = kindOf(_parsers[at] as TypeParser)
    }
    this.#kinds = kinds
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
    if (bytes.readUInt16BE(from) !== this.#kinds.length) return false
    const result = query._result as RowResult
    try {
      const row = hasArrays(result)
        ? this.#arrayOf(result, bytes, from + 2)
        : this.#objectOf(result, bytes, from + 2)
      result.rows.push(row)
      return true
    } catch (error) {
      // As node-postgres does with a parser that fails: no more rows, and the query ends with it.
      query._canceledDueToError = error
      return false
    }
  }

  #objectOf(
    { _parsers, _prebuiltEmptyResultObject, fields }: RowResult,
    bytes: Buffer,
    from: number,
  ) {
    const row: Record<string, unknown> = { ..._prebuiltEmptyResultObject }
    const kinds = this.#kinds
    let at = from
    for (let column = 0; column < kinds.length; column += 1) {
      const length = bytes.readInt32BE(at)
      const { name } = fields[column] as Field
      at += LENGTH_BYTES
      if (length === NULL) row[name] = null
      else {
        const end = at + length
        const parser = (_parsers as readonly TypeParser[])[column] as TypeParser
        row[name] = valueAt(kinds[column] as ColumnKind, parser, bytes, at, end)
        at = end
      }
    }
    return row
  }

  #arrayOf({ _parsers }: RowResult, bytes: Buffer, from: number) {
    const kinds = this.#kinds
    const row = new Array<unknown>(kinds.length)
    let at = from
    for (let column = 0; column < kinds.length; column += 1) {
      const length = bytes.readInt32BE(at)
      at += LENGTH_BYTES
      if (length === NULL) row[column] = null
      else {
        const end = at + length
        const parser = (_parsers as readonly TypeParser[])[column] as TypeParser
        row[column] = valueAt(kinds[column] as ColumnKind, parser, bytes, at, end)
        at = end
      }
    }
    return row
  }

  /** Only node-postgres listens to such messages. */
  #isUnseen(message: string): boolean {
    const { connection } = this.#client
    return connection?._emitMessage === false && connection.listenerCount(message) === 1
  }
}

function valueAt(
  kind: ColumnKind,
  parser: TypeParser,
  bytes: Buffer,
  from: number,
  to: number,
): unknown {
  if (kind === TEXT) return textAt(bytes, from, to)
  const value =
    kind === WHOLE
      ? wholeAt(bytes, from, to)
      : kind === MOMENT
        ? momentAt(bytes, from, to)
        : undefined
  return value === undefined ? parser(textAt(bytes, from, to)) : value
}

/** The number of some digits; undefined for what has anything else. */
function wholeAt(bytes: Buffer, from: number, to: number): number | undefined {
  const negative = bytes[from] === MINUS
  const first = negative ? from + 1 : from
  if (first >= to || to - first > MOST_DIGITS) return undefined
  let number = 0
  for (let at = first; at < to; at += 1) {
    const digit = (bytes[at] as number) - ZERO
    if (digit < 0 || digit > 9) return undefined
    number = number * 10 + digit
  }
  return negative ? -number : number
}
