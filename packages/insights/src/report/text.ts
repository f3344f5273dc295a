import type { InsightsSnapshot } from '../snapshot.js'
import { type Section, sectionsOf, summaryOf } from './sections.js'

/** For a terminal. */
export function textReport(snapshot: InsightsSnapshot): string {
  return [summaryOf(snapshot), ...sectionsOf(snapshot).map(tableOf)].join('\n\n').concat('\n')
}

function tableOf({ columns, rows, title }: Section): string {
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...rows.map((row) => row[index]?.length ?? 0)),
  )
  const line = (cells: readonly string[]): string =>
    `  ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ')}`.trimEnd()
  return [title, line(columns), ...rows.map(line)].join('\n')
}
