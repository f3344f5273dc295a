import { FAMILIES } from '../src/family.js'

/** The table of the README: every metric, with its type and labels. */
export function metricsTable(): string {
  const rows = [...FAMILIES.values()].map(({ help, labels, name, type }) => [
    `\`${name}\``,
    type,
    labels
      .filter((label) => !COMMON.has(label))
      .map((label) => `\`${label}\``)
      .join(', ') + (labels.includes('connmgr_endpoint') ? ' †' : ''),
    help,
  ])
  return renderTable([['metric', 'type', 'further labels', 'meaning'], ...rows])
}

/** Labels that all have, or that go with `connmgr_endpoint`. */
const COMMON = new Set([
  'db_client_connection_pool_name',
  'connmgr_endpoint',
  'server_address',
  'server_port',
])

function renderTable(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows.map((row) => row.map((cell) => cell.trim()))
  const widths = head.map((_cell, column) =>
    Math.max(...[head, ...body].map((row) => (row[column] ?? '').length)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n')
}
