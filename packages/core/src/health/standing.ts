import type { ManagedEndpoint } from '../cluster/managed-endpoint.js'
import { stateIs } from '../cluster/states.js'
import { messageOf } from '../errors.js'
import type { ErrorSummary } from '../events/event-parts.js'
import { STATE_WORDS } from '../events/state-words.js'
import type { EndpointState } from '../vocabulary/states.js'
import type { Standing } from './readiness.js'
import type { StartUp } from './start-up.js'

/** Nothing is wrong. */
export const WELL: Standing = { unusable: undefined, impaired: undefined, refusedForGood: false }

/** How the endpoints of a manager stand now, in words that a person understands who has one database. */
export function standingOf<C extends object>(
  endpoints: readonly ManagedEndpoint<C>[],
  writer: ManagedEndpoint<C> | undefined,
  startUp: StartUp<C>,
  solo: boolean,
): Standing {
  const nameOf = (each: ManagedEndpoint<C>): string => (solo ? 'the database' : each.id)
  const said = (each: ManagedEndpoint<C>): string =>
    because(each.lastError ?? startUp.refusalOf(each.id))
  const describe = (each: ManagedEndpoint<C>): string =>
    `${nameOf(each)} ${STATE_WORDS[each.state]}${said(each)}`
  return {
    unusable: whyUnusable(),
    impaired: whyImpaired(),
    refusedForGood:
      startUp.refusedForGood ||
      // Others of this process may have logged in to it; this manager has never.
      endpoints.every(
        (each) => each.state === 'QUARANTINED' && each.pool.leases.totals.created === 0,
      ),
  }

  function whyUnusable(): string | undefined {
    if (writer === undefined) return `no server takes writes: ${endpoints.map(describe).join('; ')}`
    const { everConnected, pool, state } = writer
    if (!everConnected && startUp.refusedForGood)
      return `${nameOf(writer)} refused the login${said(writer)}`
    if (!stateIs(state, 'expected') || (state === 'BUSY' && pool.counts.total === 0))
      return describe(writer)
    const { uselessError } = pool.server
    if (uselessError !== undefined)
      return `connections to ${nameOf(writer)} are of no use: ${messageOf(uselessError)}`
    // What the server has answered others of this process holds for us, until it refuses us.
    return everConnected || stateIs(state, 'open') ? undefined : describe(writer)
  }

  function whyImpaired(): string | undefined {
    const wrong = endpoints.flatMap((each) => {
      if (each !== writer && !stateIs(each.state, 'expected')) return [describe(each)]
      return each.loginError === undefined
        ? []
        : [`${nameOf(each)} takes no new connections${because(each.loginError)}`]
    })
    return wrong.length === 0 ? undefined : wrong.join('; ')
  }
}

/** Whether the latest probe of an endpoint was answered, if there was one. */
export function wasAnswered(state: EndpointState): boolean {
  return state === 'UNKNOWN' || stateIs(state, 'answers')
}

function because(error: ErrorSummary | Error | undefined): string {
  return error === undefined ? '' : `: ${error instanceof Error ? messageOf(error) : error.message}`
}
