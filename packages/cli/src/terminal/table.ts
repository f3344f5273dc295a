import { plainText, widthOf } from './plain-text.js'

/** How a column stands: numbers to the right, texts to the left. */
type Align = 'left' | 'right'

/** A column of {@link tableOf}. */
export interface Column<R> {
  readonly title: string
  readonly align?: Align
  /** Characters at the most; what is longer is cut off with `…`. */
  readonly most?: number
  /** Which end of a text stays that is cut off. `@default` 'start' */
  readonly keep?: 'start' | 'end'
  cell(row: R): string
}

/** Lines of a table with its titles. Empty without rows. */
export function tableOf<R>(
  rows: readonly R[],
  columns: readonly Column<R>[],
  title: (text: string) => string,
): string[] {
  if (rows.length === 0) return []
  const cells = rows.map((row) =>
    columns.map((column) => cut(plainText(column.cell(row)), column.most, column.keep)),
  )
  const widths = columns.map((column, index) =>
    Math.max(widthOf(column.title), ...cells.map((row) => widthOf(row[index] ?? ''))),
  )
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, index) => pad(text, widths[index] as number, columns[index]?.align ?? 'left'))
      .join('  ')
      .trimEnd()
  return [title(line(columns.map((column) => column.title))), ...cells.map(line)]
}

/** The text within so many characters. */
function cut(
  text: string,
  most = Number.POSITIVE_INFINITY,
  keep: 'start' | 'end' = 'start',
): string {
  if (widthOf(text) <= most) return text
  const characters = [...text]
  return keep === 'start'
    ? `${characters.slice(0, most - 1).join('')}…`
    : `…${characters.slice(characters.length - most + 1).join('')}`
}

function pad(text: string, width: number, align: Align): string {
  const blanks = ' '.repeat(Math.max(0, width - widthOf(text)))
  return align === 'right' ? blanks + text : text + blanks
}
