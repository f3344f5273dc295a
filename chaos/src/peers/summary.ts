import type { Outcome } from './outcome.js'

/** One client under one fault, over all rounds. */
export interface Summary {
  readonly fault: string
  readonly client: string
  readonly rounds: number
  /** Medians. A gap is null if there is no end to it in at least half of the rounds. */
  readonly gapMs: number | null
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
}

export function summarize(fault: string, client: string, outcomes: readonly Outcome[]): Summary {
  const of = (figure: (outcome: Outcome) => number): number => median(outcomes.map(figure))
  const worst = (figure: (outcome: Outcome) => number): number => Math.max(...outcomes.map(figure))
  const gap = of(({ gapMs }) => gapMs)
  return {
    fault,
    client,
    rounds: outcomes.length,
    gapMs: Number.isFinite(gap) ? Math.round(gap) : null,
    failed: of(({ failed }) => failed),
    unknown: of(({ unknown }) => unknown),
    failedButWritten: of(({ failedButWritten }) => failedButWritten),
    crashed: outcomes.filter(({ crashes }) => crashes > 0).length,
    recovered: outcomes.filter(({ recovered }) => recovered === 'yes').length,
    partlyRecovered: outcomes.filter(({ recovered }) => recovered === 'partly').length,
    lost: worst(({ lost }) => lost),
    duplicated: worst(({ duplicated }) => duplicated),
    errors: addUp(outcomes.map(({ errors }) => errors)),
  }
}

const HEADINGS = [
  'client',
  'longest gap',
  'failed',
  'of them written',
  'unknown',
  'crashed',
  'recovered',
  'lost',
  'duplicated',
]

/** The summaries of one fault as the rows of a Markdown table, which is a table for people too. */
export function tableOf(
  summaries: readonly Summary[],
  titleOf: (client: string) => string,
): string {
  const rows = summaries.map((each) => [
    titleOf(each.client),
    each.gapMs === null ? '∞' : `${each.gapMs} ms`,
    String(each.failed),
    String(each.failedButWritten),
    String(each.unknown),
    each.crashed === 0 ? 'no' : `${each.crashed} of ${each.rounds}`,
    recoveryText(each),
    String(each.lost),
    String(each.duplicated),
  ])
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => (row[column] as string).length)),
  )
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => pad(cell, widths[column] as number, column)).join(' | ')} |`
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  )
  return [line(HEADINGS), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n')
}

function recoveryText({ recovered, partlyRecovered, rounds }: Summary): string {
  if (recovered === rounds) return 'yes'
  if (recovered + partlyRecovered === 0) return 'never'
  if (recovered === 0 && partlyRecovered === rounds) return 'partly'
  return `${recovered} of ${rounds}`
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
