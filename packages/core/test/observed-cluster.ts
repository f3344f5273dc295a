import type { FailureKind, ProbeResult } from '@connmgr/core/driver'
import type { History } from '../src/cluster/history.js'
import { FAILOVER_DEFAULTS, type FailoverKnobs } from '../src/cluster/options.js'
import type { Decision, Effect } from '../src/cluster/reducer/effects.js'
import type { Observation } from '../src/cluster/reducer/observations.js'
import type { Reducer } from '../src/cluster/reducer/reducer.js'
import {
  type ClusterView,
  initialView,
  type ListedEndpoint,
  type Rules,
  unseen,
} from '../src/cluster/reducer/view.js'

/** Histories and positions that are numbers. */
const NUMBERED: History = {
  covers: (position, written) => Number(position) >= Number(written),
  order: (one, other) => (one === other ? 'same' : Number(one) > Number(other) ? 'newer' : 'older'),
}

export function rulesOf(kind: Rules['kind'], knobs: Partial<FailoverKnobs> = {}): Rules {
  return { kind, name: 'observed', knobs: { ...FAILOVER_DEFAULTS, ...knobs }, history: NUMBERED }
}

export function listed(id: string, order: number, more: Partial<ListedEndpoint> = {}) {
  return { id, order, origin: 'configured', named: true, role: 'unknown', ...more } as const
}

/** A cluster of endpoints of these ids before its first probe. */
export function unseenCluster(ids: readonly string[], rules: Rules): ClusterView {
  const endpoints = ids.map((id, order) => unseen(listed(id, order), new Date(0)))
  return initialView(endpoints, rules)
}

/** An endpoint answers as a primary of the first history, unless it is said otherwise. */
export function answers(id: string, result: Partial<ProbeResult> = {}): Observation {
  const { role = 'primary' } = result
  const said = { cluster: 'ours', history: '1', server: id, writable: role === 'primary' }
  const answer = { ...said, ...result, role }
  return {
    type: 'probed',
    id,
    outcome: { ok: true, durationMs: 1, askedAt: 0, fresh: false, result: answer },
  }
}

export function follows(id: string, result: Partial<ProbeResult> = {}): Observation {
  return answers(id, { role: 'standby', ...result })
}

/** A probe of an endpoint fails. */
export function fails(
  id: string,
  kind: FailureKind = 'unreachable',
  timedOut = false,
): Observation {
  const error = new Error(timedOut ? `${id} is silent` : `${id}: ${kind}`)
  return { type: 'probed', id, outcome: { ok: false, durationMs: 1, kind, error, timedOut } }
}

/** A pause between observations, in milliseconds. */
export type Pause = number

/** What became of a cluster. */
export interface Played extends Decision {
  /** The effects of all that came before, and of the last. */
  readonly all: readonly Effect[]
}

/** Feeds a history of observations to a reducer, a millisecond after one another. `effects` are those of the last. */
export function play(
  reduce: Reducer,
  rules: Rules,
  before: ClusterView,
  history: readonly (Observation | Pause)[],
): Played {
  let now = 0
  let decision: Decision = { view: before, effects: [] }
  const all: Effect[] = []
  for (const each of history) {
    now += typeof each === 'number' ? each : 1
    if (typeof each === 'number') continue
    decision = reduce(decision.view, each, { now, wallTime: now }, rules)
    all.push(...decision.effects)
  }
  return { ...decision, all }
}

/** `a UP, b DOWN`. */
export function statesOf({ endpoints }: ClusterView): string {
  return endpoints.map(({ id, standing }) => `${id} ${standing.state}`).join(', ')
}

/** An effect in a few words. */
export function inWords(effect: Effect): string {
  switch (effect.type) {
    case 'emit':
      return `emit ${effect.event.type}`
    case 'tell':
      return `tell ${effect.id} ${Object.entries(effect.change)
        .map(([name, value]) => `${name}=${value}`)
        .join(' ')}`
    case 'trace':
      return `trace ${effect.moment} ${effect.id}`
    case 'probe':
      return `probe ${effect.id} ${effect.when}`
    case 'arm':
      return `arm ${effect.timer} ${effect.delayMs}`
    case 'disarm':
      return `disarm ${effect.timer}`
    default:
      return 'id' in effect ? `${effect.type} ${effect.id}` : effect.type
  }
}
