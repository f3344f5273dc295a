import type { LeaseReport } from '../vocabulary/lease-report.js'
import type { ConnmgrEvent, DriverEvent, EventOf } from './events.js'
import type { LogLevel } from './log.js'

/** Of a statement in a line of the log. */
const LONGEST_SQL = 300

/** The level of an event and a sentence for people who run several servers. */
export function describe(event: ConnmgrEvent): [LogLevel, string] {
  switch (event.type) {
    case 'connectionCreated':
      return [
        'debug',
        `connection ${event.connectionId} to ${event.endpoint} opened in ${ms(event.durationMs)}`,
      ]
    case 'connectionFailed':
      return event.reason === 'hook'
        ? [
            'warn',
            `onConnect failed on a new connection to ${event.endpoint}: ${event.error.message}`,
          ]
        : ['debug', `could not connect to ${event.endpoint}: ${event.error.message}`]
    case 'startDelayed':
      return [
        'warn',
        `${event.endpoint} is not there yet: ${event.error.message}; trying for another ${ms(event.remainingMs)}`,
      ]
    case 'managerDuplicated':
      return [
        'warn',
        `${event.managers} managers of this process lead to ${event.endpoint} as the same user, each with connections of its ` +
          'own: share one (from once() if the module is loaded again, as in development; not one for each request), ' +
          'or, if they are meant, limit them together by a ConnectionBudget. For many databases there is createTenants()',
      ]
    case 'connectionClosed': {
      const cause = event.error === undefined ? '' : `: ${event.error.message}`
      return [
        'debug',
        `connection ${event.connectionId} to ${event.endpoint} closed (${event.reason})${cause}`,
      ]
    }
    case 'connectionAcquired':
      return ['debug', `connection ${event.connectionId} lent after ${ms(event.durationMs)}`]
    case 'connectionReleased':
      return ['debug', `connection ${event.connectionId} returned after ${ms(event.durationMs)}`]
    case 'acquireFailed':
      return [
        'debug',
        `acquire failed (${event.reason}) after ${ms(event.durationMs)}: ${event.error.message}`,
      ]
    case 'validationFailed':
      return [
        'info',
        `connection ${event.connectionId} to ${event.endpoint} failed its check: ${event.error.message}`,
      ]
    case 'queryTimedOut':
      return [
        'warn',
        `connection ${event.connectionId} to ${event.endpoint} destroyed, as its statement has run for ` +
          `${ms(event.durationMs)}: ${event.query ?? 'unknown'}`,
      ]
    case 'connectionDirty':
      return [
        'warn',
        `connection ${event.connectionId} came back ${LEFT[event.reason]} ` +
          `from ${who(event.lease)}; it was not lent on as it was`,
      ]
    case 'leakDetected':
      return [
        'warn',
        `leak: connection ${event.connectionId} held for ${ms(event.durationMs)} by ${who(event.lease)}` +
          `${event.reclaimed ? ', destroyed' : ''}; ${doneSoFar(event.lease)}${indent(event.lease.stack)}`,
      ]
    case 'leakResolved':
      return [
        'info',
        `leak resolved: connection ${event.connectionId} came back after ${ms(event.durationMs)} from ${who(event.lease)}`,
      ]
    case 'leaseMisused':
      return ['warn', describeMisuse(event)]
    case 'poolCleared':
      return ['info', `connections to ${event.endpoint} invalidated: ${event.reason}`]
    case 'poolResized':
      return ['info', `${event.endpoint} resized to ${event.poolSize} + ${event.maxOverflow}`]
    case 'poolClosed': {
      const held = event.stragglers
        .map((lease) => `\n    ${who(lease)}, for ${ms(lease.heldForMs)}`)
        .join('')
      return held === ''
        ? ['debug', `pool of ${event.endpoint} closed`]
        : ['warn', `pool of ${event.endpoint} closed while connections were still held by${held}`]
    }
    case 'healthCheckCompleted':
      return [
        'debug',
        `${event.endpoint} is ${event.healthy ? 'healthy' : 'failing'} (${ms(event.durationMs)})`,
      ]
    case 'healthRecovered':
      return ['info', `${event.endpoint} recovered after ${ms(event.durationMs)}`]
    case 'loginsFailed':
      return [
        'warn',
        `${event.endpoint} takes no new connections, while those that are open go on: ${event.error.message}`,
      ]
    case 'loginsRecovered':
      return [
        'info',
        `${event.endpoint} takes new connections again, after ${ms(event.durationMs)}`,
      ]
    case 'endpointStateChanged':
      return [
        event.to === 'QUARANTINED' || event.to === 'FENCED'
          ? 'error'
          : event.to === 'UNPROVEN'
            ? 'warn'
            : 'info',
        `${event.endpoint}: ${event.from} → ${event.to} (${event.reason})`,
      ]
    case 'rightsMissing':
      return [
        'warn',
        `${event.endpoint} does not let this role use ${event.missing
          .map(({ name, turnsOff }) => `${name}, which turns off ${turnsOff}`)
          .join('; ')}`,
      ]
    case 'rightsGranted':
      return ['info', `${event.endpoint} tells this role everything again`]
    case 'roleChanged':
      return ['info', `${event.endpoint} was a ${event.from} and is a ${event.to} now`]
    case 'standbyFellBehind':
      return ['warn', `${event.endpoint} is ${ms(event.lagMs)} behind and gets no reads`]
    case 'standbyCaughtUp':
      return ['info', `${event.endpoint} has caught up (${ms(event.lagMs)} behind) and gets reads`]
    case 'clusterStateChanged':
      return [
        event.to === 'SPLIT_BRAIN' || event.to === 'ALL_DOWN' ? 'error' : 'info',
        `cluster: ${event.from} → ${event.to} (${event.reason})`,
      ]
    case 'failoverStarted':
      return ['warn', `failover started, leaving ${event.endpoint ?? 'nothing'}: ${event.reason}`]
    case 'failoverCompleted':
    case 'switchoverCompleted':
    case 'failbackCompleted':
      return [
        'warn',
        `${event.type.replace('Completed', '')} to ${event.endpoint} completed in ${ms(event.durationMs)}`,
      ]
    case 'failoverFailed':
      return [
        'error',
        `failover attempt ${event.attempt} found no writer in ${ms(event.durationMs)}: ${event.reason}`,
      ]
    case 'workReplayed':
      return [
        'debug',
        `${WORDS[event.unit]} is run again (${event.reason}), attempt ${event.attempt}, after ${ms(event.durationMs)}: ` +
          event.error.message,
      ]
    case 'topologyChanged':
      return [
        'info',
        `topology changed: ${[
          ...event.added.map((each) => `+ ${each}`),
          ...event.removed.map((each) => `- ${each}`),
        ].join(', ')}`,
      ]
    case 'topologyFailed':
      return [
        'warn',
        event.refused === undefined
          ? `${event.source} does not tell the topology, so it stays as it is: ${event.error.message}`
          : `topology of ${event.source}: ${event.error.message}`,
      ]
    case 'operatorActed': {
      const { action, by = 'someone', endpoint, error, result } = event
      const what = endpoint === undefined ? action : `${action} of ${endpoint}`
      return [
        'warn',
        `${by} asked for ${what}: ${error === undefined ? (result ?? 'done') : `it failed: ${error.message}`}`,
      ]
    }
    case 'listenerFailed':
      return ['error', `${event.reason}: ${event.error.message}`]
    default: {
      const { level, message }: DriverEvent = event
      return [level, message]
    }
  }
}

const WORDS = {
  transaction: 'a transaction',
  use: 'the work of use()',
  replay: 'the work of replay()',
  statement: 'a statement',
} as const

function who(lease: { checkedOutBy: string | undefined; label?: string }): string {
  return lease.checkedOutBy ?? lease.label ?? 'a caller whose stack was not captured'
}

/** What a holder has done with its connection. */
function doneSoFar({ lastQuery, queryCount }: LeaseReport): string {
  if (queryCount === 0) return 'it has run no statement'
  const count = queryCount === 1 ? 'it has run 1 statement' : `it has run ${queryCount} statements`
  if (lastQuery === undefined) return count
  return `${count}, the last: ${shortened(lastQuery)}`
}

/** On one line, and no longer than a reader needs to find it. */
function shortened(sql: string): string {
  const line = sql.replace(/\s+/g, ' ').trim()
  return line.length <= LONGEST_SQL ? line : `${line.slice(0, LONGEST_SQL)}…`
}

function ms(durationMs: number): string {
  return `${Math.round(durationMs)} ms`
}

function indent(stack: string | undefined): string {
  return stack === undefined ? '' : `\n    ${stack.replaceAll('\n', '\n    ')}`
}

/** What a connection came back in or with. */
const LEFT = {
  busy: 'mid-query',
  transaction: 'inside a transaction',
  'advisory-locks': 'with advisory locks of its session, which were released,',
} as const

function describeMisuse(event: EventOf<'leaseMisused'>): string {
  const { leaseId, reason, lease, waiter } = event
  if (reason === 'released-twice')
    return `lease ${leaseId} was released twice; the second time was ignored`
  if (reason === 'used-after-release') {
    const { holder, query } = event
    return (
      `connection ${event.connectionId} was used by ${lease === undefined ? 'a caller' : who(lease)} after lease ${leaseId} had ended` +
      `${holder === undefined ? '' : `, while ${who(holder)} has it`}; refused${query === undefined ? '' : `: ${query}`}`
    )
  }
  return (
    `the holder of lease ${leaseId}, acquired by ${lease?.checkedOutBy}, waits for another connection of the same pool ` +
    `at ${waiter?.checkedOutBy}; give the first back before, or pass it on, as several of these at once never end`
  )
}
