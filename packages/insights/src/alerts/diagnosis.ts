import type { FailoverStatus } from '@connmgr/core'
import type { InsightsSnapshot } from '../snapshot.js'
import { placeText } from '../words/place-text.js'
import type { Diagnosis } from './alert.js'
import type { WatchedManager } from './rule.js'

const SHOWN = 5

const FAILOVER_WORDS = {
  failoverCompleted: 'failover',
  switchoverCompleted: 'switchover',
  failbackCompleted: 'failback',
} as const

/** How a manager is now, as an alert carries it. */
export function diagnose(
  manager: WatchedManager,
  insights: InsightsSnapshot | undefined,
): Diagnosis {
  const metrics = manager.getPoolMetrics()
  const failover = manager.getFailoverStatus()
  return {
    inUse: metrics.checkedOut,
    limit: metrics.limit,
    waiting: metrics.waiting,
    holders: manager
      .getHolders()
      .slice(0, SHOWN)
      .map(({ checkedOutBy, connectionId, endpoint, heldForMs, label, queryCount }) => ({
        connectionId,
        endpoint,
        at: checkedOutBy,
        label,
        heldForMs: Math.round(heldForMs),
        queryCount,
      })),
    heldIdle: (insights?.heldIdle ?? []).slice(0, SHOWN).flatMap((each) =>
      each.site === undefined
        ? []
        : {
            at: placeText(each.site),
            heldIdleMs: Math.round(each.heldIdle.totalMs),
            leases: each.leases,
          },
    ),
    clusterState: failover.state,
    activeEndpoint: failover.activeEndpoint,
    lastFailover: lastFailover(failover),
  }
}

function lastFailover({ history }: FailoverStatus): Diagnosis['lastFailover'] {
  for (const { at, event } of history.toReversed()) {
    switch (event.type) {
      case 'failoverCompleted':
      case 'switchoverCompleted':
      case 'failbackCompleted':
        return {
          at,
          text: `${FAILOVER_WORDS[event.type]} from ${event.from ?? 'no server'} to ${event.endpoint} in ${Math.round(event.durationMs)} ms: ${event.reason}`,
        }
      case 'failoverFailed':
        return { at, text: `failover failed, attempt ${event.attempt}: ${event.reason}` }
    }
  }
  return undefined
}
