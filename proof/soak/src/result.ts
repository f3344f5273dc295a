import type { HeapResult } from './heap.js'
import type { OperationTally } from './tally.js'

/** One thing that must hold in the end. */
export interface Check {
  readonly name: string
  readonly ok: boolean
  readonly found: string
}

/** Everything that a soak found; printed as it is by `--json`. */
export interface SoakResult {
  readonly minutes: number
  readonly seed: number
  ok: boolean
  readonly operations: Readonly<Record<string, OperationTally>>
  readonly happened: Readonly<Record<string, number>>
  readonly heap: HeapResult
  readonly checks: Check[]
  /** What went wrong, in words; at most twenty of each kind. */
  readonly reports: readonly string[]
}

/** A count that must be 0. */
export function none(name: string, count: number): Check {
  return { name, ok: count === 0, found: String(count) }
}

/** As tables for people. */
export function describeResult(result: SoakResult): string {
  const rows = Object.entries(result.operations).map(([name, each]) => [
    name,
    each.runs,
    each.succeeded,
    each.provoked,
    each.killed,
    each.unexplained,
  ])
  return [
    ...table([
      ['operation', 'runs', 'succeeded', 'failed as meant', 'connection killed', 'unexplained'],
      ...rows,
    ]),
    '',
    ...table(Object.entries(result.happened)),
    '',
    ...table(result.checks.map(({ name, ok, found }) => [ok ? 'ok' : 'FAILED', name, found])),
    ...result.reports.map((report) => `\n${report}`),
    '',
    `${result.ok ? 'Everything held' : 'Not everything held'} (seed ${result.seed}, ${result.minutes} min)`,
  ].join('\n')
}

function table(rows: readonly (readonly (string | number)[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => String(row[column] ?? '').length)),
  )
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return typeof cell === 'number' ? String(cell).padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd(),
  )
}
