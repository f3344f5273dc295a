import type { DiagnosedHolder, Diagnosis } from './alert.js'

/** A time as people read it: `850 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  const minutes = Math.floor(seconds / 60)
  return minutes < 60
    ? `${minutes} min ${seconds % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** The diagnosis in words, for receivers that show text. */
export function annotationsOf(diagnosis: Diagnosis): Record<string, string> {
  const { activeEndpoint, clusterState, heldIdle, holders, inUse, lastFailover, limit, waiting } =
    diagnosis
  return {
    pool_state: `${inUse} of ${limit} connections in use, ${waiting} ${waiting === 1 ? 'caller' : 'callers'} waiting`,
    writer: activeEndpoint === undefined ? `none (${clusterState})` : activeEndpoint,
    ...(holders.length > 0 && { holders: holders.map(holderText).join('\n') }),
    ...(heldIdle.length > 0 && {
      held_idle: heldIdle
        .map(
          ({ at, heldIdleMs, leases }) =>
            `${at} held ${durationText(heldIdleMs)} idle over ${leases} ${leases === 1 ? 'lease' : 'leases'}`,
        )
        .join('\n'),
    }),
    ...(lastFailover !== undefined && {
      last_failover: `${lastFailover.at.toISOString()} ${lastFailover.text}`,
    }),
  }
}

function holderText({ at, connectionId, heldForMs, label, queryCount }: DiagnosedHolder): string {
  const who = at ?? 'code that is not known'
  const named = label === undefined ? '' : `"${label}" `
  const statements = queryCount === 1 ? '1 statement' : `${queryCount} statements`
  return `${named}${who} holds connection ${connectionId} for ${durationText(heldForMs)}, ${statements}`
}
