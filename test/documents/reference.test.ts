import { CALLS } from '../../packages/core/src/config/calls.js'
import { resolveManagerOptions } from '../../packages/core/src/config/resolve.js'
import { TENANT_OPTION_NAMES } from '../../packages/core/src/driver-kit.js'
import * as core from '../../packages/core/src/index.js'
import { PG_OPTION_NAMES } from '../../packages/pg/src/index.js'
import { literalsOf, propertiesOf, sourceOf } from './declarations.js'
import { namesIn, rowsOf } from './markdown.js'

const core_ = 'packages/core/src'
const sorted = (names: Iterable<string>): string[] => [...new Set(names)].sort()

describe('docs/options.md', () => {
  const page = sourceOf('docs/options.md')
  const [ofManagers = ''] = page.split('\n## Options of a call\n')
  const ofTenants = rowsOf(page, '## Tenants')
  const ofManager = rowsOf(ofManagers).filter(
    (row) => !ofTenants.some((each) => each.join() === row.join()),
  )
  const callRows = rowsOf(page, '## Options of a call')
  const ofCalls = callRows.filter((row) => row.length === 3)

  const NESTED: readonly [prefix: string, file: string, name: string][] = [
    ['leakDetection.', `${core_}/leaks/leak-detector.ts`, 'LeakDetectionOptions'],
    ['healthMonitoring.', `${core_}/options.ts`, 'HealthMonitoringOptions'],
    ['failover.', `${core_}/cluster/options.ts`, 'FailoverOptions'],
    ['shared.', 'packages/pg/src/shared/sharing.ts', 'SharedOptions'],
  ]

  test('lists every option of createConnectionManager and no other', () => {
    const nested = NESTED.flatMap(([prefix, file, name]) =>
      propertiesOf(file, name).map((property) => prefix + property),
    )
    expect(sorted(ofManager.flatMap(([first]) => namesIn(first as string)))).toEqual(
      sorted([...PG_OPTION_NAMES, ...nested]),
    )
  })

  test('PG_OPTION_NAMES are the options that the types declare', () => {
    expect(sorted(PG_OPTION_NAMES)).toEqual(
      sorted([
        ...propertiesOf(`${core_}/options.ts`, 'ManagerOptions'),
        ...propertiesOf('packages/pg/src/manager-options.ts', 'PgManagerOptions'),
      ]),
    )
  })

  test('shows the defaults and environment variables that the code has', () => {
    const { pool, reads, queryTimeoutMs, leaks, health, failover } = resolveManagerOptions(
      {},
      '',
      {},
    )
    const defaults: Record<string, unknown> = { ...pool, ...reads, queryTimeoutMs }
    for (const [prefix, values] of [
      ['leakDetection.', leaks],
      ['healthMonitoring.', health],
      ['failover.', failover],
    ] as const) {
      for (const [name, value] of Object.entries(values ?? {})) defaults[prefix + name] = value
    }
    for (const [first, reported] of ofManager) {
      const [name] = namesIn(first as string)
      const resolved = defaults[name as string]
      // What is off is without end in the code.
      const value = resolved === Number.POSITIVE_INFINITY ? 0 : resolved
      if (typeof value === 'number')
        expect(`${name}: ${reported}`).toMatch(new RegExp(`\\b${value}$`))
      if (typeof value === 'boolean') expect(`${name}: ${reported}`).toBe(`${name}: \`${value}\``)
      if (typeof value === 'string') expect(`${name}: ${reported}`).toBe(`${name}: \`'${value}'\``)
    }
    const variables = [...sourceOf(`${core_}/config/resolve.ts`).matchAll(/env: '(\w+)'/g)]
    expect(variables).not.toEqual([])
    for (const [, variable] of variables) expect(page).toContain(`\`${variable}\``)
  })

  test('lists every option of createTenants', () => {
    expect(sorted(ofTenants.flatMap(([first]) => namesIn(first as string)))).toEqual(
      sorted(TENANT_OPTION_NAMES),
    )
  })

  test('lists every option of every call', () => {
    const reported = ofCalls.flatMap(([first]) => namesIn(first as string))
    const known = Object.values(CALLS).flatMap((rules) => Object.keys(rules))
    expect(sorted([...reported, 'poolSize', 'maxOverflow', 'stickyReadsMs'])).toEqual(
      sorted([...known, 'onGap']),
    )
    const byCall = callRows.filter((row) => row.length === 2)
    for (const [method, rules] of Object.entries(CALLS)) {
      const row = byCall.find(([first]) => first?.includes(method))
      expect([method, row]).toEqual([method, expect.any(Array)])
      const named = optionsOfCall(byCall, method)
      expect([method, sorted(named)]).toEqual([method, sorted(Object.keys(rules))])
    }
  })

  /** Follows "those of `use`". */
  function optionsOfCall(calls: readonly string[][], method: string): string[] {
    const row = calls.find(([first]) =>
      namesIn(first as string).some((each) => callIn(each) === method),
    )
    const text = row?.[1] ?? ''
    const [, base] = /those of `(\w+)`/.exec(text) ?? []
    return [
      ...(base === undefined ? [] : optionsOfCall(calls, base)),
      ...namesIn(text).filter((name) => name !== base),
    ]
  }
  const callIn = (name: string): string => /^(?:pool\.)?(\w+)/.exec(name)?.[1] as string
})

describe('docs/errors.md', () => {
  const rows = rowsOf(sourceOf('docs/errors.md'), '## All codes')

  test('lists every code and no other', () => {
    expect(rows.map(([code]) => namesIn(code as string)[0]).sort()).toEqual(
      literalsOf(`${core_}/errors.ts`, 'ConnmgrErrorCode').sort(),
    )
  })

  test('names the class that carries the code, and says what to do', () => {
    const errors = sourceOf(`${core_}/errors.ts`) + sourceOf(`${core_}/statement-errors.ts`)
    for (const [code, name, when, write, advice] of rows) {
      const [bare] = namesIn(code as string)
      const [owner] = namesIn(name as string)
      expect(Object.keys(core)).toContain(owner)
      const body = errors.slice(errors.indexOf(`export class ${owner} `))
      expect(body.slice(0, body.indexOf('\n}\n'))).toContain(`'${bare}'`)
      for (const cell of [when, write, advice]) expect(cell).not.toBe('')
    }
  })

  test('lists every phase of an acquire', () => {
    const phases = rowsOf(sourceOf('docs/errors.md'), '## Phases of an acquire timeout')
    expect(sorted(phases.flatMap(([first]) => namesIn(first as string)))).toEqual(
      sorted(literalsOf(`${core_}/errors.ts`, 'AcquirePhase')),
    )
  })
})

describe('docs/events.md', () => {
  const tables = rowsOf(sourceOf('docs/events.md'))
  /** Events have their fields in a column of their own; what a statement's message carries has none. */
  const rows = tables.filter(({ length }) => length > 2)

  test('lists what the message of a statement carries', () => {
    const listed = tables
      .filter(({ length }) => length === 2)
      .flatMap(([name]) => namesIn(name as string))
    const carried = propertiesOf(`${core_}/events/query-context.ts`, 'QueryContext')
    expect(carried.filter((name) => !listed.includes(name))).toEqual([])
  })

  test('lists every event and no other, with every field', () => {
    const declared = declaredEvents()
    expect(sorted(rows.map(([type]) => namesIn(type as string)[0] as string))).toEqual(
      sorted(declared.keys()),
    )
    for (const [type, , fields] of rows) {
      const [name] = namesIn(type as string)
      const expected = declared.get(name as string) ?? []
      expect([name, sorted(namesIn(fields as string))]).toEqual([name, sorted(expected)])
    }
  })

  test('lists every reason for which a connection is closed', () => {
    for (const reason of literalsOf(`${core_}/vocabulary/close-reason.ts`, 'CloseReason')) {
      expect(sourceOf('docs/events.md')).toContain(`\`${reason}\``)
    }
  })

  test('names the diagnostics channels', () => {
    const channels = [...sourceOf(`${core_}/events/channels.ts`).matchAll(/'(connmgr:[\w:]+)'/g)]
    expect(channels).not.toEqual([])
    for (const [, channel] of channels)
      expect(sourceOf('docs/events.md')).toContain(`\`${channel}\``)
  })
})

/** Where events are declared: those of the engine, and those that packages of databases add. */
const EVENT_FILES = [
  `${core_}/events/pool-events.ts`,
  `${core_}/events/server-events.ts`,
  `${core_}/events/cluster-events.ts`,
  `${core_}/events/events.ts`,
  'packages/pg/src/listen/listen-options.ts',
  'packages/pg/src/prepared/preparing.ts',
  'packages/sqlite/src/health/wal-watch.ts',
]

/** Each type of event with its own fields. */
function declaredEvents(): Map<string, string[]> {
  const events = new Map<string, string[]>()
  for (const file of EVENT_FILES) {
    const text = sourceOf(file)
    for (const [, name] of text.matchAll(/^export interface (\w+Event)\b/gm)) {
      const body = text.slice(text.indexOf(`export interface ${name} `))
      const [, types = ''] = /readonly type: ([^\n]+)/.exec(body) ?? []
      const fields = propertiesOf(file, name as string).filter(
        (field) => !['type', 'pool', 'endpoint'].includes(field),
      )
      for (const [, type] of types.matchAll(/'(\w+)'/g)) events.set(type as string, fields)
    }
  }
  return events
}
