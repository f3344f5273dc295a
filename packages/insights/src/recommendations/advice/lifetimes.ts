import { histogramQuantile } from '@connmgr/core'
import type { InsightsSnapshot } from '../../snapshot.js'
import { durationText } from '../../words/duration-text.js'
import type { PoolFacts, RecommendationFacts } from '../facts.js'
import { settingNames } from '../names-of-settings.js'
import type { Recommendation } from '../recommendation.js'

/** What connections may be old without trouble: timeouts are met a little early. */
const SAFE_SHARE = 0.8
const SHORTEST_MS = 60_000
const FEWEST_CONNECTS = 100
/** A connect for so many leases is one too many. */
const CHURN = 0.1
const SHORT_LIFETIME_MS = 60_000
const SHORT_IDLE_MS = 10_000

/** Whether connections live, and stay idle, for about as long as the server and the network let them. */
export function lifetimeAdvice(
  { database }: InsightsSnapshot,
  { networkTimeoutMs, pool, server }: RecommendationFacts,
): Recommendation[] {
  if (pool === undefined) return []
  const { idleTimeoutMs, maxLifetimeMs, poolSize } = pool.settings
  // The pool closes a connection that has been idle for so long, or is so old.
  const silentMs = Math.min(idleTimeoutMs, maxLifetimeMs)
  const { idleSessionMs, keepaliveIdleMs = Number.POSITIVE_INFINITY } = server?.timeouts ?? {}
  const { keepalive } = settingNames(database)
  const found: Recommendation[] = []
  if (idleSessionMs !== undefined && silentMs >= idleSessionMs)
    found.push({
      code: 'idle-above-server-timeout',
      severity: 'warning',
      title: 'The server ends idle connections before the pool does',
      evidence: [
        `The server ends sessions that are idle for ${durationText(idleSessionMs)}`,
        `idleTimeoutMs is ${limitText(idleTimeoutMs)}, maxLifetimeMs ${limitText(maxLifetimeMs)}`,
      ],
      fix: `Set idleTimeoutMs to ${Math.round(SAFE_SHARE * idleSessionMs)}`,
      costMs: 0,
    })
  if (
    networkTimeoutMs !== undefined &&
    silentMs >= networkTimeoutMs &&
    keepaliveIdleMs >= networkTimeoutMs
  )
    found.push({
      code: 'idle-above-network-timeout',
      severity: 'warning',
      title: 'The network forgets idle connections before the pool closes them',
      evidence: [
        `The network forgets a connection after ${durationText(networkTimeoutMs)} of silence`,
        `idleTimeoutMs is ${limitText(idleTimeoutMs)}${keepalive === undefined ? '' : `, and the server sends keepalives after ${limitText(keepaliveIdleMs)}`}`,
      ],
      fix: `Set idleTimeoutMs to ${Math.round(SAFE_SHARE * networkTimeoutMs)}${keepalive === undefined ? '' : `, or the server's ${keepalive} to less`}`,
      costMs: 0,
    })
  if (!Number.isFinite(maxLifetimeMs) && poolSize > 1 && server !== undefined)
    found.push({
      code: 'lifetime-unlimited',
      severity: 'info',
      title: 'Connections are never replaced',
      evidence: [
        'maxLifetimeMs is 0: the memory of a session on the server only grows, and a new address is never used',
      ],
      fix: 'Set maxLifetimeMs to 3_600_000, the default',
      costMs: 0,
    })
  return [...found, ...churn(pool)]
}

function churn({ histograms, settings }: PoolFacts): Recommendation[] {
  const { create, demand, use } = histograms
  if (demand.totalMs < SHORTEST_MS || create.count < FEWEST_CONNECTS) return []
  if (create.count < CHURN * use.count) return []
  const { idleTimeoutMs, maxLifetimeMs, maxOverflow, maxUses, poolSize } = settings
  const fix =
    maxLifetimeMs < SHORT_LIFETIME_MS
      ? 'Set maxLifetimeMs to minutes at the least'
      : Number.isFinite(maxUses) && maxUses < 1 / CHURN
        ? 'Raise maxUses, or leave it out'
        : idleTimeoutMs < SHORT_IDLE_MS
          ? 'Set idleTimeoutMs to minutes, or minIdle to what is always needed'
          : maxOverflow > 0
            ? 'Raise poolSize and lower maxOverflow by as much: connections above poolSize are closed when no caller waits'
            : 'Look for what ends connections: errors, destroy() and resets'
  return [
    {
      code: 'connection-churn',
      severity: 'warning',
      title: 'Connections are opened again and again, rather than used again',
      evidence: [
        `${create.count} connections were opened for ${use.count} leases`,
        `A connect took ${durationText(histogramQuantile(create, 0.5))} (p50)`,
        `poolSize is ${poolSize}, maxOverflow ${maxOverflow}, maxLifetimeMs ${limitText(maxLifetimeMs)}, idleTimeoutMs ${limitText(idleTimeoutMs)}`,
      ],
      fix,
      costMs: create.sumMs,
    },
  ]
}

function limitText(ms: number): string {
  return Number.isFinite(ms) ? durationText(ms) : 'not limited'
}
