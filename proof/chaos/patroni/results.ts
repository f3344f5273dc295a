import { percentile } from '../src/percentile.js'
import type { Fault } from './faults.js'
import type { Round, RouteFigures } from './round.js'
import type { Route, RouteName } from './routes.js'

/** What all rounds of one fault came to on one route; printed by `--json`. Times are in milliseconds. */
export interface Result {
  readonly fault: Fault['name']
  readonly route: RouteName
  readonly ok: boolean
  readonly rounds: number
  readonly electionMs: Spread
  readonly gapMs: Spread
  readonly firstWriteMs: Spread
  /** Of all rounds. */
  readonly failed: Readonly<Record<string, number>>
  readonly failedReads: number
  readonly unknown: number
  readonly lost: number
  readonly lostLate: number
  readonly preventable: number
  readonly duplicated: number
  readonly denied: number
  readonly unrecovered: number
  readonly messages: Readonly<Record<string, number>>
  readonly failures: readonly string[]
}

interface Spread {
  readonly p50: number | undefined
  readonly p99: number | undefined
}

export function summarize(fault: Fault, route: Route, rounds: readonly Round[]): Result {
  const found = rounds.flatMap((round) => round.routes[route.name] ?? [])
  const sum = (count: (each: RouteFigures) => number): number =>
    found.reduce((total, each) => total + count(each), 0)
  const counts = {
    failedReads: sum((each) => each.failedReads),
    unknown: sum((each) => each.unknown),
    lost: sum((each) => each.lost),
    lostLate: sum((each) => each.lostLate),
    preventable: sum((each) => each.preventable),
    duplicated: sum((each) => each.duplicated),
    denied: sum((each) => each.denied),
    unrecovered: sum((each) => Number(!each.recovered)),
  }
  const failures = route.ours
    ? FORBIDDEN.filter(([name]) => counts[name] > 0).map(
        ([name, what]) => `${counts[name]} ${what}`,
      )
    : []
  const leaderless = rounds.filter((each) => each.electionMs === undefined).length
  if (leaderless > 0) failures.push(`${leaderless} rounds tell nothing, as no new leader came`)
  return {
    fault: fault.name,
    route: route.name,
    ok: failures.length === 0,
    rounds: found.length,
    electionMs: spread(rounds.map((each) => each.electionMs)),
    gapMs: spread(found.map((each) => each.gapMs)),
    firstWriteMs: spread(found.map((each) => each.firstWriteMs)),
    failed: added(found.map((each) => each.failed)),
    ...counts,
    messages: added(found.map((each) => each.messages)),
    failures,
  }
}

/** What must never happen on a route of ours. */
const FORBIDDEN = [
  ['preventable', 'acknowledged writes were lost on a server that had been left'],
  ['duplicated', 'writes were duplicated'],
  ['denied', 'writes were said to have failed, but are there'],
  ['unrecovered', 'rounds ended without writes'],
] as const

function spread(values: readonly (number | undefined)[]): Spread {
  const known = values.filter((each) => each !== undefined)
  const at = (share: number): number | undefined =>
    known.length === 0 ? undefined : Math.round(percentile(known, share))
  return { p50: at(0.5), p99: at(0.99) }
}

function added(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {}
  for (const each of all)
    for (const [name, count] of Object.entries(each)) total[name] = (total[name] ?? 0) + count
  return total
}
