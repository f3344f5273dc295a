import type { Outcome } from './outcome.js'

/** One client under one fault, over all rounds. */
export interface Summary {
  readonly fault: string
  readonly client: string
  readonly rounds: number
  /** Medians. A gap is null if there is no end to it in at least half of the rounds. */
  readonly gapMs: number | null
  readonly firstWriteMs: number | null
  readonly failed: number
  readonly unknown: number
  readonly failedButWritten: number
  /** Rounds in which it was so. */
  readonly crashed: number
  readonly recovered: number
  readonly partlyRecovered: number
  /** The worst of the rounds. */
  readonly lost: number
  readonly duplicated: number
  readonly errors: Readonly<Record<string, number>>
  /** What was seen in each round. An endless gap is null in JSON. */
  readonly outcomes: readonly Outcome[]
}

export function summarize(fault: string, client: string, outcomes: readonly Outcome[]): Summary {
  const of = (measurement: (outcome: Outcome) => number): number =>
    median(outcomes.map(measurement))
  const worst = (measurement: (outcome: Outcome) => number): number =>
    Math.max(...outcomes.map(measurement))
  return {
    fault,
    client,
    rounds: outcomes.length,
    gapMs: finite(of(({ gapMs }) => gapMs)),
    firstWriteMs: finite(of(({ firstWriteMs }) => firstWriteMs)),
    failed: of(({ failed }) => failed),
    unknown: of(({ unknown }) => unknown),
    failedButWritten: of(({ failedButWritten }) => failedButWritten),
    crashed: outcomes.filter(({ crashes }) => crashes > 0).length,
    recovered: outcomes.filter(({ recovered }) => recovered === 'yes').length,
    partlyRecovered: outcomes.filter(({ recovered }) => recovered === 'partly').length,
    lost: worst(({ lost }) => lost),
    duplicated: worst(({ duplicated }) => duplicated),
    errors: addUp(outcomes.map(({ errors }) => errors)),
    outcomes,
  }
}

const HEADINGS = [
  'client',
  'longest gap',
  'first write',
  'failed',
  'of them written',
  'unknown',
  'crashed',
  'recovered',
  'lost',
  'duplicated',
]

/** The summaries of one fault as a Markdown table, which is one for people too. */
export function tableOf(
  summaries: readonly Summary[],
  titleOf: (client: string) => string,
): string {
  return markdown([
    HEADINGS,
    ...summaries.map((each) => [
      titleOf(each.client),
      durationText(each.gapMs),
      durationText(each.firstWriteMs),
      String(each.failed),
      String(each.failedButWritten),
      String(each.unknown),
      each.crashed === 0 ? 'no' : `${each.crashed} of ${each.rounds}`,
      recoveryText(each),
      String(each.lost),
      String(each.duplicated),
    ]),
  ])
}

/** Everything in one table: a row for each client, a column for each fault. */
export function overviewOf(
  summaries: readonly Summary[],
  titleOf: (client: string) => string,
): string {
  const faults = [...new Set(summaries.map(({ fault }) => fault))]
  const clients = [...new Set(summaries.map(({ client }) => client))]
  const cell = (client: string, fault: string): string => {
    const found = summaries.find((each) => each.client === client && each.fault === fault)
    return found === undefined ? '–' : cellOf(found)
  }
  return markdown([
    ['gap / failed / unknown', ...faults],
    ...clients.map((client) => [titleOf(client), ...faults.map((fault) => cell(client, fault))]),
  ])
}

function cellOf(summary: Summary): string {
  const { crashed, rounds, failed, unknown, lost, duplicated, partlyRecovered } = summary
  if (crashed * 2 > rounds) return 'process ends'
  return [
    `${durationText(summary.gapMs)} / ${failed} / ${unknown}`,
    ...(crashed > 0 ? [`process ends in ${crashed} of ${rounds}`] : []),
    ...(partlyRecovered * 2 > rounds ? ['fails on'] : []),
    ...(lost > 0 ? [`${lost} lost`] : []),
    ...(duplicated > 0 ? [`${duplicated} duplicated`] : []),
  ].join(', ')
}

function durationText(ms: number | null): string {
  if (ms === null) return '∞'
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(2)} s`
}

function finite(ms: number): number | null {
  return Number.isFinite(ms) ? Math.round(ms) : null
}

function recoveryText({ recovered, partlyRecovered, rounds }: Summary): string {
  if (recovered === rounds) return 'yes'
  if (recovered + partlyRecovered === 0) return 'never'
  if (recovered === 0) return 'partly'
  return `${recovered} of ${rounds}`
}

/** The first row is the heading, the first column the name of the row. */
function markdown(rows: readonly (readonly string[])[]): string {
  const [heading = []] = rows
  const widths = heading.map((_, column) =>
    Math.max(...rows.map((row) => (row[column] as string).length)),
  )
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => pad(cell, widths[column] as number, column)).join(' | ')} |`
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  )
  return [line(heading), line(rule), ...rows.slice(1).map(line)].join('\n')
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width)
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
}

function addUp(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {}
  for (const counts of all) {
    for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count
  }
  return sum
}
