import type { PostgresNode, RecordedQuery } from '@connmgr/testing'
import { fingerprintOf } from '../src/fingerprint/fingerprints.js'
import type { InsightsSnapshot, StatementKind } from '../src/snapshot.js'

/** What statements came to that the server cannot, or insights do not, tell apart. */
export interface CountedGroup {
  readonly texts: readonly string[]
  readonly ours: Counts
  readonly server: Counts
}

interface Counts {
  /** Without those that failed: the server does not count them. */
  readonly calls: number
  readonly rows: number
  /** Of the server, its time to plan and to execute; of insights, the time to run. */
  readonly ms: number
  /** Of insights, the time to wait. */
  readonly waitMs: number
}

interface ServerRow extends Counts {
  readonly query: string
  readonly queryid: string
}

/** Statements of which the server notes rows, as its optimizer plans them. */
const PLANNED: readonly StatementKind[] = ['read', 'insert', 'update', 'delete', 'merge']
const NOTHING: Counts = { calls: 0, rows: 0, ms: 0, waitMs: 0 }

export async function resetCounts(server: PostgresNode): Promise<void> {
  await server.query('select pg_stat_statements_reset()')
}

/**
 * Sets what insights have counted beside what pg_stat_statements has.
 *
 * The server tells statements apart by the tree that it parses a text to: the names of aliases, or `= $1` and
 * `IN ($1)`, make no difference to it, lengths of lists may make one. Which texts are one statement to it, EXPLAIN says.
 */
export async function compareCounts(
  server: PostgresNode,
  { statements }: InsightsSnapshot,
  recorded: readonly RecordedQuery[],
): Promise<CountedGroup[]> {
  // Before anything else is asked, which would be counted too.
  const rows = await serverRows(server)
  const groups = new Groups()
  for (const { fingerprint, text } of statements) groups.join(fingerprint, text)
  for (const { query, queryid } of rows) groups.join(queryid, keyOf(query))
  const texts = new Set(recorded.flatMap(({ error, text }) => (error === undefined ? text : [])))
  for (const text of texts) {
    const { id, kind } = fingerprintOf(text, 'postgresql').fingerprint
    groups.join(id, PLANNED.includes(kind) ? await queryIdOf(server, text) : keyOf(text))
  }
  const found = new Map<string, CountedGroup>()
  const add = (key: string, text: string, side: 'ours' | 'server', counts: Counts): void => {
    const group = groups.of(key)
    const known = found.get(group) ?? { texts: [], ours: NOTHING, server: NOTHING }
    found.set(group, { ...known, texts: [...known.texts, text], [side]: sum(known[side], counts) })
  }
  for (const { calls, errors, fingerprint, kind, rows: returned, run, text, wait } of statements)
    add(fingerprint, text, 'ours', {
      calls: calls - errors,
      rows: PLANNED.includes(kind) ? returned : 0,
      ms: run.totalMs,
      waitMs: wait.totalMs,
    })
  for (const { rowCount = 0, text } of leftOpen(recorded))
    add(fingerprintOf(text, 'postgresql').fingerprint.id, text, 'ours', {
      ...NOTHING,
      calls: -1,
      rows: -rowCount,
    })
  for (const row of rows) add(row.queryid, row.query, 'server', row)
  return [...found.values()]
}

async function serverRows(server: PostgresNode): Promise<ServerRow[]> {
  return server.query<{ [K in keyof ServerRow]: ServerRow[K] } & object>(
    `select query, queryid, calls::int, rows::int, total_plan_time + total_exec_time as ms, 0 as "waitMs"
       from pg_stat_statements
       where dbid = (select oid from pg_database where datname = current_database())
         and query not like '%pg_stat_statements%'`,
  )
}

/**
 * Prepared statements that have succeeded, and that the server does not count all the same: it does so when the next one
 * is bound, and here the next one of the transaction was refused before that, as it cannot be understood (class 42).
 */
function leftOpen(recorded: readonly RecordedQuery[]): RecordedQuery[] {
  const latest = new Map<number, RecordedQuery>()
  const found: RecordedQuery[] = []
  for (const each of recorded) {
    if (each.transaction === undefined) continue
    const { code = '' } = (each.error ?? {}) as { code?: string }
    const before = latest.get(each.transaction.id)
    if (code.startsWith('42') && before?.prepared === true) found.push(before)
    latest.set(each.transaction.id, each)
  }
  return found
}

async function queryIdOf(server: PostgresNode, text: string): Promise<string> {
  // As text: the numbers have more digits than JavaScript keeps.
  const lines = await server.query<{ 'QUERY PLAN': string }>(
    `explain (generic_plan, verbose) ${text}`,
  )
  const line = lines.map((each) => each['QUERY PLAN']).find((each) => each.includes('Identifier'))
  return String(line?.split(': ')[1])
}

/** A statement that is not planned is known by its text. The server knows no names of savepoints. */
function keyOf(text: string): string {
  const { id, text: shown } = fingerprintOf(text, 'postgresql').fingerprint
  const savepoint = /^(savepoint|release savepoint|release|rollback to savepoint|rollback to) \S+$/
  return savepoint.exec(shown)?.[1] ?? id
}

function sum(a: Counts, b: Counts): Counts {
  return {
    calls: a.calls + b.calls,
    rows: a.rows + b.rows,
    ms: a.ms + b.ms,
    waitMs: a.waitMs + b.waitMs,
  }
}

/** Names that mean the same. */
class Groups {
  readonly #parents = new Map<string, string>()

  join(a: string, b: string): void {
    this.#parents.set(this.of(a), this.of(b))
  }

  of(name: string): string {
    const parent = this.#parents.get(name)
    return parent === undefined || parent === name ? name : this.of(parent)
  }
}
