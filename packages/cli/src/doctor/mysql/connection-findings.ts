import { counted, percent } from '../../terminal/units.js'
import type { Finding } from '../finding.js'
import type { Plan } from '../plan.js'
import type { MysqlFacts } from './facts.js'

const FULL = 0.95
const NEARLY_FULL = 0.8

/** Whether the server has room for all instances, how much is left now, and whether there was too little. */
export function findInConnections(facts: MysqlFacts, plan: Plan): Finding[] {
  return [...findOverbooking(facts, plan), ...findExhaustion(facts), ...findRefused(facts)]
}

/** Connections that an account may have at the most; undefined if the server has not said. */
export function roomOf({ accountLimit, variables }: MysqlFacts): number | undefined {
  const most = Number(variables.get('max_connections'))
  if (!(most > 0)) return undefined
  return Math.min(most, accountLimit ?? most)
}

function findOverbooking(facts: MysqlFacts, plan: Plan): Finding[] {
  const room = roomOf(facts)
  const wanted = plan.instances * plan.limit
  if (room === undefined || wanted <= room) return []
  const { accountLimit, variables } = facts
  return [
    {
      id: 'connections-exceed-server',
      severity: 'critical',
      title: `${counted(plan.instances, 'instance')} of up to ${plan.limit} connections open ${wanted}, and the server has room for ${room}.`,
      evidence: [
        `max_connections = ${variables.get('max_connections')}`,
        ...(accountLimit === undefined ? [] : [limitOfAccount(facts)]),
      ],
      fix: `Keep poolSize + maxOverflow at ${Math.max(1, Math.floor(room / plan.instances))} or less in each instance, or raise ${room === accountLimit ? 'the limit of the account' : 'max_connections'}.`,
    },
  ]
}

function findExhaustion(facts: MysqlFacts): Finding[] {
  const { accountLimit, sessions = [], status, user = '', variables } = facts
  const most = Number(variables.get('max_connections'))
  const used = Number(status.get('threads_connected') ?? 0)
  const name = user.slice(0, user.lastIndexOf('@'))
  // Ours is left out of the sessions, and will be gone.
  const ofAccount = sessions.find((each) => each.user === name)?.sessions ?? 0
  return [
    ...nearlyExhausted(used, most, `${used} of ${most} connections are in use`, [
      `max_connections = ${most}`,
      ...sessions.map((each) => `${each.sessions} of account ${each.user}`),
    ]),
    ...(accountLimit === undefined || accountLimit >= most
      ? []
      : nearlyExhausted(
          ofAccount,
          accountLimit,
          `${ofAccount} of the ${accountLimit} connections of account ${user} are in use`,
          [limitOfAccount(facts)],
        )),
  ]
}

function nearlyExhausted(
  used: number,
  most: number,
  title: string,
  evidence: readonly string[],
): Finding[] {
  const share = used / most
  if (!(share >= NEARLY_FULL)) return []
  return [
    {
      id: 'connections-nearly-exhausted',
      severity: share >= FULL ? 'critical' : 'warning',
      title: `${title} (${percent(share)}).`,
      evidence,
      fix: 'Give the pools of these accounts a smaller limit, or raise the limit.',
    },
  ]
}

function findRefused({ status, variables }: MysqlFacts): Finding[] {
  const refused = Number(status.get('connection_errors_max_connections') ?? 0)
  if (!(refused > 0)) return []
  return [
    {
      id: 'connections-refused',
      severity: 'warning',
      title: `The server has refused ${counted(refused, 'connection')} since its start, because all were in use.`,
      evidence: [
        `Connection_errors_max_connections = ${refused}, Max_used_connections = ${status.get('max_used_connections') ?? '?'}, max_connections = ${variables.get('max_connections') ?? '?'}`,
        `Uptime = ${status.get('uptime') ?? '?'} s`,
      ],
      fix: 'Give the pools smaller limits, so that together they stay below max_connections, or raise it. flush status begins to count anew.',
    },
  ]
}

function limitOfAccount({ accountLimit, user = '' }: MysqlFacts): string {
  return `max_user_connections of ${user} = ${accountLimit}`
}
