import type { LeaseReport } from '@connmgr/core'
import type { HeldIdleStats, InsightsSnapshot } from '../../snapshot.js'
import { durationText } from '../../words/duration-text.js'
import { placeText } from '../../words/place-text.js'
import type { RecommendationFacts } from '../facts.js'
import type { Recommendation } from '../recommendation.js'

const LONG_MS = 60_000
/** A lease that is idle once in a while may have met a busy processor. */
const IDLE_SHARE = 0.2
const FEWEST = 3
/** One gap that is so many times longer than what is tolerated needs no company. */
const LONG_GAPS = 5

/** Who keeps connections: forgotten ones, long ones, and those that are held while something else is waited for. */
export function holderAdvice(
  snapshot: InsightsSnapshot,
  { pool }: RecommendationFacts,
): Recommendation[] {
  const leaks = pool?.leaks ?? []
  const long = (pool?.holders ?? []).filter(
    ({ heldForMs, leaseId, longLived }) =>
      longLived !== true && heldForMs >= LONG_MS && !leaks.some((leak) => leak.leaseId === leaseId),
  )
  return [
    ...byPlace(leaks).map(([at, held]) => leakOf(at, held)),
    ...byPlace(long).map(([at, held]) => longHolder(at, held)),
    ...snapshot.heldIdle.flatMap((each) => heldIdle(each, snapshot.options.heldIdleMs)),
  ]
}

function leakOf(at: string, held: readonly LeaseReport[]): Recommendation {
  return {
    code: 'leak',
    severity: 'critical',
    title: `${at} has not returned ${count(held.length, 'connection')}`,
    evidence: held.slice(0, FEWEST).map(heldText),
    fix: 'Run the work in manager.use() or manager.transaction(), which return the connection whatever happens, or release it in a finally block; pass longLived: true where it is held on purpose',
    costMs: sumMs(held),
  }
}

function longHolder(at: string, held: readonly LeaseReport[]): Recommendation {
  return {
    code: 'long-holder',
    severity: 'warning',
    title: `${at} holds ${count(held.length, 'connection')} for more than a minute`,
    evidence: held.slice(0, FEWEST).map(heldText),
    fix: 'Split the work into units that each borrow a connection for a moment; pass longLived: true where it is held on purpose',
    costMs: sumMs(held),
  }
}

function heldIdle(stats: HeldIdleStats, heldIdleMs: number): Recommendation[] {
  const { exceeded, exceededInTransaction, heldIdle: idle, held, leases, longestGap, site } = stats
  if (site === undefined || exceeded < IDLE_SHARE * leases || exceeded === 0) return []
  const gapMs = longestGap?.durationMs ?? 0
  if (exceeded < FEWEST && gapMs < LONG_GAPS * heldIdleMs) return []
  const inTransaction = exceededInTransaction > 0
  const after = longestGap?.after
  return [
    {
      code: inTransaction ? 'idle-in-transaction' : 'held-idle',
      severity: inTransaction ? 'warning' : 'info',
      title: `${placeText(site)} ${inTransaction ? 'waits for something else inside a transaction' : 'holds a connection while it waits for something else'}`,
      evidence: [
        `${exceeded} of ${count(leases, 'lease')} had no statement running for ${durationText(heldIdleMs)} or longer`,
        `Held idle for ${durationText(idle.totalMs)} of ${durationText(held.totalMs)}, ${durationText(idle.p95Ms)} each (p95)`,
        ...(longestGap === undefined
          ? []
          : [
              `The longest gap was ${durationText(gapMs)}${after === undefined ? '' : `, after ${after.text}${after.site === undefined ? '' : ` at ${placeText(after.site)}`}`}`,
            ]),
      ],
      fix: inTransaction
        ? 'Call other services before the transaction begins or after it has committed, and keep statements alone inside: its locks are held all the time'
        : 'Acquire the connection after the slow work, or release it before',
      site,
      ...(after !== undefined && {
        statement: { fingerprint: after.fingerprint, text: after.text },
      }),
      costMs: idle.totalMs,
    },
  ]
}

function byPlace(leases: readonly LeaseReport[]): [string, LeaseReport[]][] {
  const places = new Map<string, LeaseReport[]>()
  for (const each of leases) {
    const at = each.checkedOutBy ?? each.label ?? 'Code that is not known'
    places.set(at, [...(places.get(at) ?? []), each])
  }
  return [...places]
}

function heldText({ connectionId, heldForMs, queryCount }: LeaseReport): string {
  return `Connection ${connectionId} has been held for ${durationText(heldForMs)}, for ${count(queryCount, 'statement')}`
}

function sumMs(leases: readonly LeaseReport[]): number {
  return leases.reduce((sum, each) => sum + each.heldForMs, 0)
}

export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
