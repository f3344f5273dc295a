import type { HealthStatus } from '@connmgr/core'
import type { Finding } from './report.js'
import { hasStandby, type Service } from './service.js'

/** All that decides how a manager is. */
export interface Circumstances {
  readonly status: HealthStatus
  readonly service: Service
  /** Whether the service is what the process needs. */
  readonly serves: boolean
  readonly started: boolean
  /** Since it served last; undefined if it serves, or never has. */
  readonly outForMs: number | undefined
  readonly graceMs: number
  /** One server, and never another. */
  readonly oneDatabase: boolean
  /** What the latest attempt to connect has failed with, if nothing else says. */
  readonly connectError: string | undefined
}

const NOT_MONITORED: Finding = {
  code: 'not-monitored',
  outcome: 'pass',
  message:
    'health monitoring is off: this tells that the database could be connected to once, and whether connections come ' +
    'about since, not how it is now',
}
const PAUSED: Finding = {
  code: 'paused',
  outcome: 'pass',
  message: 'health monitoring is paused until the next use: this is how it was before',
}
const READ_ONLY: Finding = {
  code: 'read-only',
  outcome: 'warn',
  message: 'reads are served, writes are not',
}
const NO_STANDBY: Finding = {
  code: 'no-standby',
  outcome: 'warn',
  message: 'no standby takes reads: the primary serves them',
}

/** Everything that is worth saying, the worst first. */
export function findingsOf(circumstances: Circumstances): readonly Finding[] {
  const { serves, status } = circumstances
  if (status.status === 'closed')
    return [{ code: 'closed', outcome: 'fail', message: 'the manager is closed' }]
  const about = status.monitored ? (status.resting ? [PAUSED] : []) : [NOT_MONITORED]
  const found = serves ? whatIsDegraded(circumstances) : [whyNotServing(circumstances)]
  return [...found, ...about]
}

function whyNotServing(circumstances: Circumstances): Finding {
  const { connectError, graceMs, outForMs, started, status } = circumstances
  const detail = status.reason ?? connectError
  const rest = detail === undefined ? {} : { detail }
  if (!started || outForMs === undefined) {
    const message =
      status.status === 'unhealthy'
        ? 'the start has failed: no connection has come about'
        : 'no connection has come about yet'
    return { code: 'starting', outcome: 'fail', message, ...rest }
  }
  const lasting = `${whatIsMissing(circumstances)} for ${seconds(outForMs)}`
  if (outForMs >= graceMs) return { code: 'unusable', outcome: 'fail', message: lasting, ...rest }
  const until = Number.isFinite(graceMs)
    ? `for another ${seconds(graceMs - outForMs)}`
    : 'all the same'
  return { code: 'grace', outcome: 'warn', message: `${lasting}; ready ${until}`, ...rest }
}

function whatIsMissing({ oneDatabase, service }: Circumstances): string {
  if (service.reads) return 'writes have not been served'
  return oneDatabase ? 'the database has not served' : 'no server has served'
}

function whatIsDegraded(circumstances: Circumstances): readonly Finding[] {
  const { oneDatabase, service, status } = circumstances
  const { failoverStats, poolMetrics, reason } = status
  const found: Finding[] = []
  const why = reason === undefined ? {} : { detail: reason }
  if (!service.writes) found.push({ ...READ_ONLY, ...why })
  const { checkedOut, limit, waiting } = poolMetrics
  if (limit > 0 && checkedOut >= limit) {
    const message = `pool exhausted: ${checkedOut} of ${limit} connections are in use, ${waiting} callers wait`
    found.push({ code: 'pool-exhausted', outcome: 'warn', message })
  }
  if (service.writes && status.status === 'degraded') {
    const message = 'a server is out of service, or takes no new connections'
    found.push({ code: 'impaired', outcome: 'warn', message, ...why })
  }
  const expectsStandby =
    !oneDatabase && failoverStats.mode === 'role' && failoverStats.endpoints.length > 1
  if (service.writes && expectsStandby && !hasStandby(status)) found.push(NO_STANDBY)
  return found
}

function seconds(ms: number): string {
  return `${Math.ceil(ms / 1000)} s`
}
