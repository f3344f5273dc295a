import type { ComponentChildren, JSX } from 'preact'

export interface Column<Row> {
  readonly title: string
  readonly cell: (row: Row) => ComponentChildren
  /** Right-aligned, with digits of one width. */
  readonly isNumber?: boolean
  readonly isCode?: boolean
}

interface TableProps<Row> {
  readonly title: string
  /** What screen readers call the table. `@default` its title */
  readonly label?: string
  readonly rows: readonly Row[]
  readonly columns: readonly Column<Row>[]
  readonly keyOf: (row: Row, index: number) => string | number
  /** Shown where there is no row. */
  readonly none: string
  readonly classOf?: (row: Row) => string | undefined
}

/** A part of the page that is one table under its title. */
export function TableCard<Row>(props: TableProps<Row>): JSX.Element {
  return (
    <section class="card wide">
      <h3>{props.title}</h3>
      <Table {...props} />
    </section>
  )
}

/** A table that scrolls by itself on narrow screens, and can be reached by keyboard. */
function Table<Row>(props: TableProps<Row>): JSX.Element {
  const { classOf, columns, keyOf, none, rows, title: name, label = name } = props
  if (rows.length === 0) return <p class="empty">{none}</p>
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard
    <section class="scroll" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map(({ isNumber, title }) => (
              <th key={title} scope="col" class={isNumber ? 'number' : undefined}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={keyOf(row, index)} class={classOf?.(row)}>
              {columns.map(({ cell, isCode, isNumber, title }) => (
                <td key={title} class={isNumber ? 'number' : isCode ? 'code' : undefined}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
