import { readFileSync } from 'node:fs'
import path from 'node:path'
import {
  ATTRIBUTE,
  EVENT_METRICS,
  type MetricDefinition,
  type MetricKind,
  STATE_METRICS,
} from '@connmgr/metrics'
import { FAMILIES } from '../packages/prometheus/src/family.js'

const INSTRUMENTS: Readonly<Record<MetricKind, string>> = {
  upDownCounter: 'up-down counter',
  gauge: 'gauge',
  counter: 'counter',
  histogram: 'histogram',
}

/** Attributes that all have, or that go with that of the endpoint. */
const COMMON: readonly string[] = [
  ATTRIBUTE.pool,
  ATTRIBUTE.endpoint,
  ATTRIBUTE.address,
  ATTRIBUTE.port,
]

/** As OpenTelemetry has them. */
const OTEL = [
  ['metric', 'instrument', 'unit', 'further attributes', 'meaning'],
  ...Object.values<MetricDefinition>({ ...STATE_METRICS, ...EVENT_METRICS }).map(
    ({ attributes, description, kind, name, unit }) => [
      `\`${name}\``,
      INSTRUMENTS[kind],
      unit,
      further(attributes, COMMON),
      description,
    ],
  ),
]

const PROMETHEUS = [
  ['metric', 'type', 'further labels', 'meaning'],
  ...[...FAMILIES.values()].map(({ help, labels, name, type }) => [
    `\`${name}\``,
    type,
    further(
      labels,
      COMMON.map((each) => each.replaceAll('.', '_')),
    ),
    help,
  ]),
]

test.each([
  ['otel', OTEL],
  ['prometheus', PROMETHEUS],
])('the README of %s lists every metric as the code has it', (name, rows) => {
  const readme = readFileSync(path.join(__dirname, `../packages/${name}/README.md`), 'utf8')
  const table = /^\| metric .*(?:\n\|.*)*/m.exec(readme)?.[0]
  expect(table).toBe(tableOf(rows))
})

/** The attributes of a metric but for the common ones, and a sign where it is measured per server. */
function further(attributes: readonly string[], common: readonly string[]): string {
  const own = attributes.filter((each) => !common.includes(each)).map((each) => `\`${each}\``)
  const [, endpoint = ''] = common
  return `${own.join(', ')}${attributes.includes(endpoint) ? ' †' : ''}`.trim()
}

function tableOf(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows
  const widths = head.map((_cell, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n')
}
