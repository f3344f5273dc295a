import type { Measurements, ScenarioResult } from './scenario.js'

/** Measurements with a column of their own; the others follow in the last one, unless they are 0. */
const COLUMNS: readonly (readonly [title: string, measurement: string])[] = [
  ['detected ms', 'detectionMs'],
  ['first write ms', 'firstWriteMs'],
  ['failed', 'failed'],
  ['unknown', 'unknown'],
  ['lost', 'lost'],
  ['duplicated', 'duplicated'],
  ['crashes', 'processCrashes'],
  ['left', 'connectionsLeft'],
]

/** The results as a table for people, with the reasons of what failed below. */
export function describeResults(results: readonly ScenarioResult[]): string {
  const rows = results.map((result) => [
    String(result.id),
    result.ok ? 'ok' : 'FAILED',
    result.name,
    ...COLUMNS.map(([, measurement]) => cell(result, measurement)),
    others(result),
  ])
  const several = results.some((each) => each.rounds > 1)
  const failed = results.filter((each) => !each.ok)
  return [
    ...table([['', '', 'scenario', ...COLUMNS.map(([title]) => title), 'and'], ...rows]),
    ...targetLines(results),
    ...(several ? ['', `p50 / p99 of ${results[0]?.rounds} rounds each`] : []),
    ...failed.flatMap(({ id, name, failures }) => [
      '',
      `${id}. ${name} failed:`,
      ...failures.map((failure) => `  ${failure.replaceAll('\n', '\n  ')}`),
    ]),
    '',
    failed.length === 0
      ? `All ${results.length} scenarios went as they should`
      : `${failed.length} of ${results.length} scenarios failed: ${failed.map((each) => each.id).join(', ')}`,
  ].join('\n')
}

/** Each target, with the scenarios that met it and those that did not, which fail only beyond what a busy machine excuses. */
function targetLines(results: readonly ScenarioResult[]): string[] {
  const lines = new Map<string, { within: string[]; beyond: string[] }>()
  for (const { figures, id, targets = {} } of results) {
    for (const [name, target] of Object.entries(targets)) {
      const key = `${name} at most ${target} ms`
      const line = lines.get(key) ?? { within: [], beyond: [] }
      lines.set(key, line)
      const value = figures[name] ?? Number.NaN
      if (value <= target) line.within.push(String(id))
      else line.beyond.push(`${id} (${value})`)
    }
  }
  if (lines.size === 0) return []
  return [
    '',
    'targets of the p99:',
    ...[...lines].map(([key, { beyond, within }]) => {
      const parts = [
        ...(within.length > 0 ? [`met in ${within.join(', ')}`] : []),
        ...(beyond.length > 0 ? [`not met in ${beyond.join(', ')}`] : []),
      ]
      return `  ${key}: ${parts.join('; ')}`
    }),
  ]
}

function cell({ figures, p50 }: ScenarioResult, name: string): string {
  const value = figures[name]
  if (value === undefined) return ''
  return p50 === undefined || p50[name] === value ? String(value) : `${p50[name]} / ${value}`
}

function others(result: ScenarioResult): string {
  const shown = new Set(COLUMNS.map(([, measurement]) => measurement))
  const rest: Measurements = Object.fromEntries(
    Object.entries(result.figures).filter(([name, value]) => !shown.has(name) && value !== 0),
  )
  return Object.keys(rest)
    .map((name) => `${name} ${cell(result, name)}`)
    .join(', ')
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  return rows.map((row) =>
    row
      .map((text, column) => text.padEnd(column === row.length - 1 ? 0 : (widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}
