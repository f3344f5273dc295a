import type { EndpointState } from '../vocabulary/states.js'
import type { ConnmgrEvent } from './events.js'
import type { LogLevel } from './log.js'
import { STATE_WORDS } from './state-words.js'

/** How loud the news of a state are, for who has one database and nothing to turn to. */
const LEVELS: Readonly<Record<EndpointState, LogLevel>> = {
  UNKNOWN: 'debug',
  UP: 'info',
  PROBATION: 'info',
  SUSPECT: 'info',
  DOWN: 'error',
  STARTING: 'warn',
  BUSY: 'warn',
  QUARANTINED: 'error',
  FENCED: 'error',
  UNPROVEN: 'warn',
}

/**
 * The sentences that differ for a manager of one database: its user has no endpoints, no cluster and no failover. Undefined
 * for events that read alike.
 */
export function describeOneDatabase(event: ConnmgrEvent): [LogLevel, string] | undefined {
  switch (event.type) {
    case 'startDelayed':
      return [
        'warn',
        `the database is not there yet: ${event.error.message}; trying for another ${ms(event.remainingMs)}`,
      ]
    case 'endpointStateChanged':
      // Trusted again after a while: its answer was reported before.
      if (event.from === 'PROBATION' && event.to === 'UP')
        return ['debug', 'the database has been well for a while']
      return [LEVELS[event.to], `the database ${STATE_WORDS[event.to]}: ${event.reason}`]
    case 'clusterStateChanged':
      return event.to === 'STEADY'
        ? ['debug', `the database can be used again: ${event.reason}`]
        : ['debug', `the database cannot be used: ${event.reason}`]
    case 'healthCheckCompleted':
      return [
        'debug',
        `the database ${event.healthy ? 'answered' : 'failed'} a check (${ms(event.durationMs)})`,
      ]
    case 'healthRecovered':
      return ['info', `the database recovered after ${ms(event.durationMs)}`]
    case 'loginsFailed':
      return [
        'warn',
        `the database takes no new connections, while those that are open go on: ${event.error.message}`,
      ]
    case 'loginsRecovered':
      return ['info', `the database takes new connections again, after ${ms(event.durationMs)}`]
    case 'roleChanged':
      return ['info', `the database was a ${event.from} and is a ${event.to} now`]
    case 'rightsGranted':
      return ['info', 'the database tells this role everything again']
    case 'poolCleared':
      return ['info', `connections invalidated: ${event.reason}`]
    case 'poolResized':
      return ['info', `pool resized to ${event.poolSize} + ${event.maxOverflow}`]
    default:
      return undefined
  }
}

function ms(durationMs: number): string {
  return `${Math.round(durationMs)} ms`
}
