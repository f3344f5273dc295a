import type { Target } from '../vocabulary/target.js'
import type { ManagedEndpoint } from './managed-endpoint.js'

/** Whether an endpoint may take reads meant for a standby. */
function isReader<C extends object>(endpoint: ManagedEndpoint<C>): boolean {
  return endpoint.state === 'UP' && endpoint.role === 'standby' && !endpoint.lagging
}

/** Whether reads may go to a primary that refuses writes: nothing is newer than it while there is no writer. */
function servesReads<C extends object>(endpoint: ManagedEndpoint<C>): boolean {
  return endpoint.state === 'UP' && endpoint.doubt === undefined && endpoint.isReadOnlyPrimary
}

/** Whether an endpoint may serve callers who want this target. */
export function serves<C extends object>(
  endpoint: ManagedEndpoint<C>,
  target: Target,
  writer: ManagedEndpoint<C> | undefined,
): boolean {
  switch (target) {
    case 'primary':
      return endpoint === writer
    case 'standby':
      return isReader(endpoint)
    case 'prefer-standby':
    case 'any':
      return (
        endpoint === writer || isReader(endpoint) || (writer === undefined && servesReads(endpoint))
      )
  }
}

let turns = 0

/** Notes that a reader is sent to an endpoint now. */
export function takeTurn<C extends object>(endpoint: ManagedEndpoint<C>): void {
  turns += 1
  endpoint.turn = turns
}

/**
 * The endpoint for a caller who wants this target: of several standbys, the one with the least to do, and of equals, the
 * one whose turn was the longest ago.
 */
export function select<C extends object>(
  endpoints: readonly ManagedEndpoint<C>[],
  target: Target,
  writer: ManagedEndpoint<C> | undefined,
): ManagedEndpoint<C> | undefined {
  if (target === 'primary') return writer
  if (target === 'any' && writer !== undefined) return writer
  let best: ManagedEndpoint<C> | undefined
  for (const endpoint of endpoints) {
    if (isReader(endpoint) && (best === undefined || precedes(endpoint, best))) best = endpoint
  }
  if (best !== undefined || target === 'standby') return best
  return writer ?? endpoints.find(servesReads)
}

function precedes<C extends object>(a: ManagedEndpoint<C>, b: ManagedEndpoint<C>): boolean {
  const more = a.pool.load - b.pool.load
  return more < 0 || (more === 0 && a.turn < b.turn)
}
