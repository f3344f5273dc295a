import { ResultReturnType } from '@duckdb/node-api'

/** What DuckDB's results have in common, of all ways to get one. */
interface AnyResult {
  readonly returnType?: unknown
  readonly rowsChanged?: unknown
  readonly rowCount?: unknown
  readonly currentRowCount?: unknown
}

/** Rows that a statement has returned so far, or changed; undefined if its result does not tell. */
export function rowCountOf(result: unknown): number | undefined {
  if (typeof result !== 'object' || result === null) return undefined
  const { currentRowCount, returnType, rowCount, rowsChanged } = result as AnyResult
  if (returnType === ResultReturnType.NOTHING) return undefined
  const count =
    returnType === ResultReturnType.CHANGED_ROWS ? rowsChanged : (currentRowCount ?? rowCount)
  return typeof count === 'number' ? count : undefined
}
