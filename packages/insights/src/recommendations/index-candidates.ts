import type { ScannedTable, SchemaFacts } from '../server-facts/schema-facts.js'
import type { InsightsSnapshot, StatementIdentity } from '../snapshot.js'

/** An index that a statement seems to lack. */
export interface IndexCandidate {
  /** `schema.table`, or the name alone, quoted where it must be. */
  readonly table: string
  /** The columns that the statement compares, quoted where they must be. */
  readonly columns: readonly string[]
  readonly statement: StatementIdentity
  /** Rows of the table, by the server's estimate. */
  readonly tableRows: number
  /** Rows of them that the statement wants, by the planner's estimate. */
  readonly wantedRows: number
  readonly calls: number
  readonly meanRunMs: number
  readonly totalRunMs: number
  /** The planner's costs without and with the index, if `hypopg` has tried it. */
  readonly proof?: { readonly costBefore: number; readonly costAfter: number }
}

/** A table that is smaller is read as a whole in no time. */
const FEWEST_ROWS = 5000
/** An index helps who wants few rows. */
const MOST_WANTED = 0.1
const FEWEST_CALLS = 5
/** A statement that is faster has no need of one. */
const SHORTEST_MS = 1

/** PostgreSQL writes the parenthesis of a function right behind its name, and that of anything else after a space. */
const CALL = /(?<=[\w"])\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)/g
/**
 * Comparisons that an index of the usual kind serves, as PostgreSQL prints them, each in parentheses of its own:
 * `(users.email = $1)`, `((users.name)::text = ANY ($2))`.
 */
const COMPARED =
  /(?<=\()\(?(?:[a-z_]\w*\.|"[^"]+"\.)?("(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)\)?(?:::[a-z ]+)?\s*(=|<|>|<=|>=)\s*(?:any\b|\(?[$'(\d?])/gi

/**
 * The indexes that follow from plans: statements that read a large table as a whole for a small part of it, by columns
 * that they compare. Needs `plans: true` of insights, and the facts of the schema.
 */
export function indexCandidates(snapshot: InsightsSnapshot, schema: SchemaFacts): IndexCandidate[] {
  const found = new Map<string, IndexCandidate>()
  for (const { fingerprint, sequentialScans, text } of snapshot.plans) {
    const { calls, runMs } = usageOf(snapshot, fingerprint)
    if (calls < FEWEST_CALLS || runMs / calls < SHORTEST_MS) continue
    for (const { filter, relation, rows, schema: namespace } of sequentialScans) {
      const table = schema.scannedTables.find((each) => isSame(each, namespace, relation))
      const columns = filter === undefined ? [] : comparedColumns(filter)
      if (table === undefined || columns.length === 0) continue
      if (table.rows < FEWEST_ROWS || rows > MOST_WANTED * table.rows) continue
      // The plan may be from a time when the table was smaller, or its statistics are old.
      if (table.indexes.some((index) => serves(index, columns))) continue
      found.set(`${fingerprint} ${table.table}`, {
        table: table.table,
        columns,
        statement: { fingerprint, text },
        tableRows: table.rows,
        wantedRows: rows,
        calls,
        meanRunMs: runMs / calls,
        totalRunMs: runMs,
      })
    }
  }
  return [...found.values()]
}

/** Whether an index begins with these columns, in whatever order. */
function serves(index: string, columns: readonly string[]): boolean {
  const first = (index.match(/"(?:[^"]|"")+"|[^",\s]+/g) ?? []).slice(0, columns.length)
  return columns.every((column) => first.includes(column))
}

/** The columns that a condition compares, those that it wants equal first: an index should begin with them. */
export function comparedColumns(filter: string): string[] {
  // Either side of OR may hold, so no index on one of them is enough.
  if (/\bor\b/i.test(filter.replace(/"[^"]*"|'[^']*'/g, ''))) return []
  const plain = filter.replace(CALL, '()')
  const equal = new Set<string>()
  const ordered = new Set<string>()
  for (const [, column, operator] of plain.matchAll(COMPARED))
    (operator === '=' ? equal : ordered).add(column as string)
  // After one column that is compared by order, no further one narrows the search.
  const [range] = [...ordered].filter((each) => !equal.has(each))
  return [...equal, ...(range === undefined ? [] : [range])]
}

function usageOf(
  snapshot: InsightsSnapshot,
  fingerprint: string,
): { calls: number; runMs: number } {
  const same = snapshot.statements.filter((each) => each.fingerprint === fingerprint)
  return {
    calls: same.reduce((sum, each) => sum + each.calls, 0),
    runMs: same.reduce((sum, each) => sum + each.run.totalMs, 0),
  }
}

function isSame({ table }: ScannedTable, schema: string | undefined, relation: string): boolean {
  const plain = table.replaceAll('"', '')
  return plain === relation || (schema !== undefined && plain === `${schema}.${relation}`)
}
