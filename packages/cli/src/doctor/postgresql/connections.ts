import { counted, percent } from '../../terminal/units.js'
import type { Finding } from '../finding.js'
import type { Plan } from '../plan.js'
import type { ApplicationSessions, PostgresFacts } from './facts.js'
import { settingIn } from './settings.js'

const FULL = 0.95
const NEARLY_FULL = 0.8
/** Applications that are named as evidence. */
const MOST_NAMED = 5

/** Whether the server has room for all instances, and how much is left now. */
export function findInConnections(facts: PostgresFacts, plan: Plan): Finding[] {
  const room = roomOf(facts)
  if (room === undefined) return []
  return [...findOverbooking(facts, plan, room), ...findExhaustion(facts, room)]
}

/** Connections that the role may have, and what bounds them. */
export interface Room {
  readonly connections: number
  readonly evidence: readonly string[]
}

/** The least of what the server, the database and the role allow; undefined if the server has not said. */
export function roomOf({ login, settings }: PostgresFacts): Room | undefined {
  const most = settingIn(settings, 'max_connections')
  if (most === undefined) return undefined
  const reserved =
    (settingIn(settings, 'superuser_reserved_connections') ?? 0) +
    (settingIn(settings, 'reserved_connections') ?? 0)
  const bounds = [
    {
      connections: most - reserved,
      text: `max_connections = ${most}, of which ${reserved} are reserved`,
    },
    ...bound(login?.databaseLimit, `database "${login?.database}"`),
    ...bound(login?.roleLimit, `role "${login?.user}"`),
  ]
  return {
    connections: Math.min(...bounds.map(({ connections }) => connections)),
    evidence: bounds.map(({ text }) => text),
  }
}

function bound(limit: number | undefined, of: string): { connections: number; text: string }[] {
  return limit === undefined
    ? []
    : [{ connections: limit, text: `the connection limit of ${of} is ${limit}` }]
}

function findOverbooking(facts: PostgresFacts, plan: Plan, room: Room): Finding[] {
  const wanted = plan.instances * plan.limit
  // A pooler has room of its own, and the server sees its connections alone.
  if (wanted <= room.connections || facts.pooler?.kind === 'pgbouncer') return []
  const each = Math.floor(room.connections / plan.instances)
  return [
    {
      id: 'connections-exceed-server',
      severity: 'critical',
      title: `${counted(plan.instances, 'instance')} of up to ${plan.limit} connections open ${wanted}, and the server has room for ${room.connections}.`,
      evidence: room.evidence,
      fix:
        each >= 1
          ? `Keep poolSize + maxOverflow at ${each} or less in each instance, raise max_connections, or put PgBouncer before the server.`
          : 'Put PgBouncer before the server: there is no room for one connection of each instance.',
    },
  ]
}

function findExhaustion({ sessions }: PostgresFacts, room: Room): Finding[] {
  if (sessions === undefined) return []
  const used = sessions.reduce((sum, each) => sum + each.sessions, 0)
  const share = used / room.connections
  if (share < NEARLY_FULL) return []
  return [
    {
      id: 'connections-nearly-exhausted',
      severity: share >= FULL ? 'critical' : 'warning',
      title: `${used} of ${room.connections} connections are in use (${percent(share)}).`,
      evidence: [...sessions.slice(0, MOST_NAMED).map(describe), ...room.evidence],
      fix: 'See by application_name who holds them; give each of these pools a smaller limit, or raise max_connections.',
    },
  ]
}

function describe({ application, user, ...counts }: ApplicationSessions): string {
  const name = application === '' ? 'without an application_name' : application
  return `${counts.sessions} of ${name} (role ${user}): ${counts.active} active, ${counts.idleInTransaction} idle in a transaction`
}
