import { EVENT_METRICS, type MetricDefinition, STATE_METRICS } from '@connmgr/core/driver'

/** The table of the README: every metric, with its kind, unit and attributes. */
export function metricsTable(): string {
  const definitions: readonly MetricDefinition[] = [
    ...Object.values(STATE_METRICS),
    ...Object.values(EVENT_METRICS),
  ]
  const rows = definitions.map(({ attributes, description, kind, name, unit }) => [
    `\`${name}\``,
    WORDS[kind],
    unit,
    attributes
      .filter((each) => !COMMON.has(each))
      .map((each) => `\`${each}\``)
      .join(', ') + (attributes.includes('connmgr.endpoint') ? ' †' : ''),
    description,
  ])
  return renderTable([['metric', 'instrument', 'unit', 'further attributes', 'meaning'], ...rows])
}

const WORDS = {
  upDownCounter: 'up-down counter',
  gauge: 'gauge',
  counter: 'counter',
  histogram: 'histogram',
} as const

/** Attributes that all have, or that go with `connmgr.endpoint`. */
const COMMON = new Set([
  'db.client.connection.pool.name',
  'connmgr.endpoint',
  'server.address',
  'server.port',
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
