import { duration } from '../terminal/units.js'
import type { Finding } from './finding.js'
import type { Plan } from './plan.js'

/** What decides how long a connection lives, on its way and at its ends. */
export interface LifetimeFacts {
  /** Whether the client asks the network for signs of life of idle connections. */
  readonly keepAlive: boolean
  /** After which idle time the server does; undefined if that is not known. 0 for never. */
  readonly serverKeepAliveMs?: number | undefined
  /** After which idle time the server ends a session; undefined if it does not, or it is not known. */
  readonly serverIdleMs?: number | undefined
  /** How the server calls that. */
  readonly serverIdleName: string
  /** False within the machine, where nothing forgets a connection. */
  readonly overNetwork: boolean
}

/** Where a connection is ended, or forgotten, before its pool replaces it. */
export function findInLifetimes(facts: LifetimeFacts, plan: Plan): Finding[] {
  return [
    ...endedByServer(facts, plan),
    ...(facts.overNetwork ? [...forgottenOnTheWay(facts, plan), ...keptByServer(facts, plan)] : []),
    ...neverReplaced(plan),
  ]
}

function endedByServer({ serverIdleMs, serverIdleName }: LifetimeFacts, plan: Plan): Finding[] {
  if (serverIdleMs === undefined || serverIdleMs <= 0) return []
  const idleMs = Math.min(plan.idleTimeoutMs, plan.maxLifetimeMs)
  if (serverIdleMs > idleMs) return []
  return [
    {
      id: 'server-ends-idle-connections',
      severity: 'warning',
      title: `The server ends idle sessions after ${duration(serverIdleMs)}, before the pool closes them by itself (${duration(idleMs)}).`,
      evidence: [
        `${serverIdleName} = ${duration(serverIdleMs)}`,
        `idleTimeoutMs = ${duration(plan.idleTimeoutMs)}, maxLifetimeMs = ${duration(plan.maxLifetimeMs)}`,
      ],
      fix: `Set idleTimeoutMs below ${serverIdleMs}, or raise ${serverIdleName} for the role of the application.`,
    },
  ]
}

function forgottenOnTheWay({ keepAlive }: LifetimeFacts, plan: Plan): Finding[] {
  const idleMs = Math.min(plan.idleTimeoutMs, plan.maxLifetimeMs)
  if (keepAlive || idleMs <= plan.natTimeoutMs) return []
  return [
    {
      id: 'idle-connections-forgotten',
      severity: 'warning',
      title: `Idle connections live for up to ${duration(idleMs)} without keepalives; a NAT gateway or a load balancer forgets them after ${duration(plan.natTimeoutMs)}.`,
      evidence: ['TCP keepalives are off in the configuration of the client'],
      fix: `Leave keepAlive on, or set idleTimeoutMs below ${plan.natTimeoutMs}.`,
    },
  ]
}

function keptByServer({ serverKeepAliveMs }: LifetimeFacts, plan: Plan): Finding[] {
  if (serverKeepAliveMs === undefined) return []
  if (serverKeepAliveMs > 0 && serverKeepAliveMs <= plan.natTimeoutMs) return []
  const shown = serverKeepAliveMs === 0 ? 'never' : `after ${duration(serverKeepAliveMs)}`
  return [
    {
      id: 'server-keepalives-late',
      severity: 'advice',
      title: `The server looks ${shown} whether an idle client is still there: sessions of clients that have vanished keep their locks and count as connections until then.`,
      evidence: [`tcp_keepalives_idle = ${serverKeepAliveMs / 1000} s`],
      fix: 'Set tcp_keepalives_idle = 60, tcp_keepalives_interval = 10 and tcp_keepalives_count = 6 on the server.',
    },
  ]
}

function neverReplaced({ maxLifetimeMs }: Plan): Finding[] {
  if (Number.isFinite(maxLifetimeMs)) return []
  return [
    {
      id: 'lifetime-without-limit',
      severity: 'advice',
      title:
        'Connections are never replaced: memory that sessions gather on the server is not freed, and a new address in DNS is not noticed.',
      evidence: ['maxLifetimeMs has no limit'],
      fix: 'Set maxLifetimeMs, such as 3600000.',
    },
  ]
}
