import type { EndpointState } from '../vocabulary/states.js'

/** What a state means for those who know of no states: said of a server, as in "the database cannot be reached". */
export const STATE_WORDS: Readonly<Record<EndpointState, string>> = {
  UNKNOWN: 'has not answered yet',
  UP: 'answers',
  PROBATION: 'answers again',
  SUSPECT: 'may be in trouble',
  DOWN: 'cannot be reached',
  STARTING: 'refuses logins, as it is starting or stopping',
  BUSY: 'has no connection to spare',
  QUARANTINED: 'refused the login',
  FENCED: 'is not the newest primary',
  UNPROVEN: 'has not shown that it belongs to the cluster',
}
