import type { LeaseReport } from '@connmgr/core'
import type {
  EndpointSnapshot,
  HotStatement,
  ManagerSnapshot,
  ProcessSnapshot,
} from '../snapshot/snapshot.js'
import { plainText } from '../terminal/plain-text.js'
import type { Style } from '../terminal/style.js'
import { tableOf } from '../terminal/table.js'
import { bytes, counted, duration, percent } from '../terminal/units.js'

/** How much a text may have, and how it looks. */
export interface TextOptions {
  readonly style: Style
  /** Characters of a line. */
  readonly width: number
  /** Holders, and statements, that are shown of each manager. */
  readonly most: number
}

/** The state of a process, for people. */
export function snapshotText(snapshot: ProcessSnapshot, options: TextOptions): string {
  const { process: of } = snapshot
  const { style } = options
  const head = `${style.bold(plainText(of.program))}  pid ${of.pid} on ${plainText(of.host)}, node ${of.node}, up ${duration(of.uptimeMs)}, ${bytes(of.rssBytes)}  ${style.dim(snapshot.at)}`
  const managers = snapshot.managers.flatMap((manager) => [
    '',
    ...managerLines(manager, of.directory, options),
  ])
  const none = snapshot.managers.length === 0 ? ['', 'There is no manager.'] : []
  return `${[head, ...managers, ...none].join('\n')}\n`
}

function managerLines(manager: ManagerSnapshot, directory: string, options: TextOptions): string[] {
  const { style } = options
  const mark =
    manager.status === 'healthy' ? style.green : manager.healthy ? style.yellow : style.red
  const reason = manager.reason === null ? '' : `: ${plainText(manager.reason)}`
  return [
    `${style.bold(plainText(manager.name))}  ${mark(manager.status)}${reason}`,
    poolLine(manager, style),
    style.dim(`  ${totalsOf(manager)}`),
    ...indented(endpointTable(manager.endpoints, style)),
    ...failoverLine(manager, style),
    ...section('holders', holderTable(manager, directory, options), style),
    ...section('hot queries', statementTable(manager, options), style),
    ...recommendationLines(manager, style),
  ]
}

function poolLine({ counts, pool }: ManagerSnapshot, style: Style): string {
  const width = 20
  const filled = Math.min(width, Math.round(pool.utilization * width))
  const bar = `${'█'.repeat(filled)}${'░'.repeat(width - filled)}`
  const colour =
    pool.utilization >= 1 ? style.red : pool.utilization >= 0.8 ? style.yellow : style.green
  const queue = `queue ${pool.waiting}`
  return `  ${colour(bar)} ${percent(pool.utilization)}  in use ${pool.checkedOut}, idle ${pool.checkedIn}, connecting ${counts.connecting}, limit ${pool.limit}, ${pool.waiting > 0 ? style.red(queue) : queue}`
}

function totalsOf({ pool, times }: ManagerSnapshot): string {
  const { demandP99, useP50Ms, useP99Ms, waitP50Ms, waitP99Ms } = times
  const of = (name: string, p50: number | null, p99: number | null): string[] =>
    p50 === null || p99 === null ? [] : [`${name} p50 ${duration(p50)}, p99 ${duration(p99)}`]
  return [
    `${counted(pool.totalCheckouts, 'acquire')}, ${pool.failedCheckouts} failed, ${counted(pool.leakedConnections, 'leak')}`,
    ...of('wait', waitP50Ms, waitP99Ms),
    ...of('held', useP50Ms, useP99Ms),
    ...(demandP99 === null ? [] : [`demand p99 ${demandP99}`]),
  ].join(' | ')
}

function endpointTable(endpoints: readonly EndpointSnapshot[], style: Style): string[] {
  return tableOf(
    endpoints,
    [
      { title: 'ENDPOINT', cell: ({ active, id }) => `${active ? '* ' : '  '}${id}` },
      { title: 'ROLE', cell: ({ role }) => role },
      { title: 'STATE', cell: ({ state }) => state },
      {
        title: 'LAG',
        align: 'right',
        cell: ({ lagMs }) => (typeof lagMs === 'number' ? duration(lagMs) : ''),
      },
      { title: 'IN USE', align: 'right', cell: ({ pool }) => String(pool.checkedOut) },
      { title: 'IDLE', align: 'right', cell: ({ pool }) => String(pool.checkedIn) },
      { title: 'LAST ERROR', most: 60, cell: ({ lastError }) => lastError?.message ?? '' },
    ],
    style.dim,
  )
}

function failoverLine({ failover }: ManagerSnapshot, style: Style): string[] {
  const { failbacks, failedAttempts, failovers, state, switchovers } = failover
  if (failovers + switchovers + failbacks + failedAttempts === 0 && state === 'STEADY') return []
  return [
    style.dim(
      `  cluster ${state}, epoch ${failover.epoch}: ${failovers} failovers, ${switchovers} switchovers, ${failbacks} failbacks, ${failedAttempts} failed attempts`,
    ),
  ]
}

function holderTable(
  { holders, leaks }: ManagerSnapshot,
  directory: string,
  { most, style, width }: TextOptions,
): string[] {
  const leaked = new Set(leaks.map(({ leaseId }) => leaseId))
  return tableOf<LeaseReport>(
    holders.slice(0, most),
    [
      { title: 'HELD', align: 'right', cell: ({ heldForMs }) => duration(heldForMs) },
      { title: '', cell: ({ leaseId }) => (leaked.has(leaseId) ? 'leak' : '') },
      ...(holders.some(({ label }) => label !== undefined)
        ? [{ title: 'LABEL', most: 24, cell: ({ label = '' }: LeaseReport) => label }]
        : []),
      {
        title: 'BY',
        most: Math.max(30, Math.floor(width * 0.4)),
        keep: 'end',
        cell: (holder) => siteOf(holder, directory),
      },
      { title: 'QUERIES', align: 'right', cell: ({ queryCount }) => String(queryCount) },
      {
        title: 'LAST QUERY',
        most: Math.max(20, Math.floor(width * 0.35)),
        cell: ({ lastQuery }) => lastQuery ?? '',
      },
    ],
    style.dim,
  )
}

/** The line of code that has acquired it; the path as from the folder of the program. */
function siteOf({ checkedOutBy }: LeaseReport, directory: string): string {
  if (checkedOutBy === undefined) return 'not known'
  return directory === '' ? checkedOutBy : checkedOutBy.replaceAll(`${directory}/`, '')
}

function statementTable(
  { insights }: ManagerSnapshot,
  { most, style, width }: TextOptions,
): string[] {
  const time = (ms: number | null): string => (ms === null ? '' : duration(ms))
  return tableOf<HotStatement>(
    (insights?.statements ?? []).slice(0, most),
    [
      { title: 'CALLS', align: 'right', cell: ({ calls }) => String(calls) },
      {
        title: 'SHARE',
        align: 'right',
        cell: ({ share }) => (share === null ? '' : percent(share)),
      },
      { title: 'P95 RUN', align: 'right', cell: ({ p95RunMs }) => time(p95RunMs) },
      { title: 'P95 WAIT', align: 'right', cell: ({ p95WaitMs }) => time(p95WaitMs) },
      { title: 'QUERY', most: Math.max(30, Math.floor(width * 0.45)), cell: ({ text }) => text },
      { title: 'AT', most: 40, cell: ({ site }) => site ?? '' },
    ],
    style.dim,
  )
}

function recommendationLines({ insights }: ManagerSnapshot, style: Style): string[] {
  return (insights?.recommendations ?? []).map(
    ({ fix, title }) =>
      `  ${style.yellow('!')} ${plainText(title)}${fix === null ? '' : ` ${style.dim(plainText(fix))}`}`,
  )
}

function section(title: string, lines: readonly string[], style: Style): string[] {
  return lines.length === 0 ? [] : [`  ${style.bold(title)}`, ...indented(lines)]
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`)
}
