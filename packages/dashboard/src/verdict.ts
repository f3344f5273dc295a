import type { HealthStatus, LeaseReport } from '@connmgr/core'
import type { Verdict } from './view.js'

/** From this share of the connections in use on, the pool is called nearly full. */
const NEARLY_FULL = 0.8

/**
 * Says in words how a manager is. It says healthy when `getHealthStatus()` does, and adds what that does not judge: callers
 * who wait, a pool that is nearly full, leaks.
 */
export function verdictOf(health: HealthStatus, holders: readonly LeaseReport[]): Verdict {
  const { healthy, reason, status } = health
  const findings = [
    ...findingsOfWriter(health),
    ...(reason === undefined ? [] : [sentence(reason)]),
    ...findingsOfPool(health, holders),
    ...findingsOfLeaks(health),
    ...findingsOfMonitoring(health),
  ]
  if (!healthy) return { level: 'bad', headline: HEADLINES[status], findings }
  const good = findings.length === 0 && status === 'healthy'
  return {
    level: good ? 'good' : 'warning',
    headline:
      status === 'healthy' && !good ? 'Callers are served, but look at this' : HEADLINES[status],
    findings,
  }
}

const HEADLINES: Record<HealthStatus['status'], string> = {
  starting: 'Starting: no server has been reached yet',
  healthy: 'All is well: callers are served',
  degraded: 'Callers are served, but something is wrong',
  unhealthy: 'Callers who write cannot be served',
  closed: 'Closed: no caller is served any more',
}

/** Trouble that is too young to count as unhealthy: callers wait, and most often are served in time. */
function findingsOfWriter({ healthy, status, unusableForMs }: HealthStatus): string[] {
  return healthy && status !== 'starting' && unusableForMs !== undefined
    ? ['No server takes writes at the moment: callers who write wait.']
    : []
}

function findingsOfPool(
  { poolMetrics: pool }: HealthStatus,
  holders: readonly LeaseReport[],
): string[] {
  const { checkedOut, limit, utilization, waiting } = pool
  const longest = holders[0]
  const by =
    longest?.checkedOutBy === undefined ? '' : `; the longest holder is ${longest.checkedOutBy}`
  if (waiting > 0 && checkedOut >= limit)
    return [
      `The pool has run dry: all ${limit} connections are in use and ${counted(waiting, 'caller')} waiting${by}.`,
    ]
  if (waiting > 0)
    return [
      `${counted(waiting, 'caller')} waiting while ${pool.connecting} connections are being opened.`,
    ]
  if (checkedOut >= limit) return [`All ${limit} connections are in use${by}.`]
  if (utilization >= NEARLY_FULL) return [`${checkedOut} of ${limit} connections are in use${by}.`]
  return []
}

function findingsOfLeaks({ leakDetection: { leaks } }: HealthStatus): string[] {
  if (leaks.length === 0) return []
  const sites = [...new Set(leaks.map(({ checkedOutBy }) => checkedOutBy ?? 'an unknown place'))]
  const is = leaks.length === 1 ? '1 connection is' : `${leaks.length} connections are`
  return [`${is} held for longer than the leak threshold, acquired at ${sites.join(', ')}.`]
}

function findingsOfMonitoring({ monitored, status }: HealthStatus): string[] {
  return monitored || status === 'closed'
    ? []
    : ['Health monitoring is off, so a server that fails shows only when a caller meets it.']
}

function counted(count: number, noun: string): string {
  return count === 1 ? `1 ${noun} is` : `${count} ${noun}s are`
}

function sentence(reason: string): string {
  const text = `${reason.charAt(0).toUpperCase()}${reason.slice(1)}`
  return /[.!?]$/.test(text) ? text : `${text}.`
}
