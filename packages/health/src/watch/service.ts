import type { HealthStatus } from '@connmgr/core'

/** What callers of a manager can have now. */
export interface Service {
  readonly reads: boolean
  readonly writes: boolean
}

/** What an unmonitored manager has been seen to do. */
export interface ConnectFacts {
  /** The latest attempt to connect has failed. */
  readonly failing: boolean
}

const NOTHING: Service = { reads: false, writes: false }

/** Which callers could be served at this moment, without any grace. */
export function serviceOf(status: HealthStatus, { failing }: ConnectFacts): Service {
  const { failoverStats, monitored, poolMetrics, unusableForMs } = status
  if (status.status === 'closed') return NOTHING
  // Nothing else tells; an open connection shows that the database is there.
  if (!monitored && failing && poolMetrics.checkedIn + poolMetrics.checkedOut === 0) return NOTHING
  if (unusableForMs === undefined) {
    // A single server is used whatever its role.
    const active = failoverStats.endpoints.find((each) => each.active)
    return { reads: true, writes: active?.readOnly !== true }
  }
  // While it starts, the writer may be about to answer.
  if (status.status === 'starting') return NOTHING
  return { reads: takesReads(status), writes: false }
}

/** Whether a standby takes reads. */
export function hasStandby({ failoverStats }: HealthStatus): boolean {
  return failoverStats.endpoints.some(
    ({ lagging, role, state }) => state === 'UP' && role === 'standby' && !lagging,
  )
}

/** Whether a server beside the writer, or in its absence a primary that refuses writes, takes reads. */
function takesReads(status: HealthStatus): boolean {
  return (
    hasStandby(status) ||
    status.failoverStats.endpoints.some(
      ({ readOnly, role, state }) => state === 'UP' && role === 'primary' && readOnly,
    )
  )
}
