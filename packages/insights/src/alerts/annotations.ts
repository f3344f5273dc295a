import { durationText } from '../words/duration-text.js'
import type { DiagnosedHolder, Diagnosis } from './alert.js'

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
