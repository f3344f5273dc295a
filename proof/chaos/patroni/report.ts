import { FAULTS } from './faults.js'
import type { Result } from './results.js'
import { ROUTES } from './routes.js'

const HEADINGS = [
  '',
  'route',
  'gap ms',
  'first write ms',
  'failed',
  'unknown',
  'failed reads',
  'lost',
  'duplicated',
  'HAProxy + pg, measured before',
]

/** The results as a table for people, with what errors said and what went wrong below. */
export function describeResults(results: readonly Result[], crashes: number): string {
  const lines = [
    'Times are p50 / p99, counts are of all rounds; "first write" and "late" are from when the new leader could be seen.',
  ]
  for (const fault of FAULTS) {
    const mine = results.filter((each) => each.fault === fault.name)
    const [any] = mine
    if (any === undefined) continue
    lines.push(
      '',
      `${fault.name}: ${fault.description}; ${any.rounds} rounds, new leader after ${pair(any.electionMs)} ms`,
    )
    lines.push(...table([HEADINGS, ...mine.map(row)]))
  }
  const bad = results.filter((each) => !each.ok)
  for (const { fault, route, failures } of bad)
    lines.push('', ...failures.map((failure) => `FAILED ${fault} through ${route}: ${failure}`))
  if (crashes > 0) lines.push('', `FAILED ${crashes} uncaught errors`)
  lines.push(
    '',
    bad.length === 0 && crashes === 0 ? 'All went as it should' : 'Not all went as it should',
  )
  return lines.join('\n')
}

function row(result: Result): string[] {
  const reference = FAULTS.find((each) => each.name === result.fault)?.reference
  const peer = ROUTES.find((each) => each.name === result.route)?.peer
  const failed = Object.values(result.failed).reduce((sum, each) => sum + each, 0)
  const classes = Object.entries(result.failed).map(([name, count]) => `${count} ${name}`)
  return [
    result.ok ? 'ok' : 'FAILED',
    result.route,
    pair(result.gapMs),
    pair(result.firstWriteMs),
    failed === 0 ? '0' : classes.join(', '),
    String(result.unknown),
    String(result.failedReads),
    lostOf(result),
    String(result.duplicated),
    peer === undefined ? '' : (reference?.[peer] ?? '–'),
  ]
}

/** All, those after the new leader could be seen, and those on a server that the manager had already left. */
function lostOf({ lost, lostLate, preventable }: Result): string {
  return lost === 0 ? '0' : `${lost} (${lostLate} late, ${preventable} preventable)`
}

function pair({ p50, p99 }: Result['gapMs']): string {
  if (p50 === undefined) return 'never'
  return p50 === p99 ? String(p50) : `${p50} / ${p99}`
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = HEADINGS.map((_, column) =>
    Math.max(...rows.map((each) => (each[column] ?? '').length)),
  )
  return rows.map((each) =>
    each
      .map((text, column) => text.padEnd(column === each.length - 1 ? 0 : (widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}
