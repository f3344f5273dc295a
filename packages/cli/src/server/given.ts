import { connectionManagers, InvalidOptionError } from '@connmgr/core'
import type { InspectedInsights, InspectedManager } from '../snapshot/inspected.js'

/** One manager, several, or a function that returns those that there are when it is asked. */
export type InspectedManagers =
  | InspectedManager
  | readonly InspectedManager[]
  | (() => readonly InspectedManager[])

/** What knows of statements: for one manager, for several, or by the names of managers. */
export type GivenInsights =
  | InspectedInsights
  | readonly InspectedInsights[]
  | Readonly<Record<string, InspectedInsights>>

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` for something else than managers */
export function managersOf(
  given: InspectedManagers | undefined,
): () => readonly InspectedManager[] {
  if (given === undefined) return () => connectionManagers().map(({ manager }) => manager)
  if (typeof given === 'function') return () => given().map(checked)
  const managers = (isList(given) ? given : [given]).map(checked)
  return () => managers
}

/**
 * The insights of each manager: those that were made of it, or, of what does not say of which it was made, those by its name,
 * or the only ones.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION` for something else than insights
 */
export function insightsOf(
  given: GivenInsights | undefined,
): (manager: InspectedManager) => InspectedInsights | undefined {
  if (given === undefined) return () => undefined
  const named: Readonly<Record<string, InspectedInsights>> =
    isList(given) || isInsights(given) ? {} : given
  const listed = isList(given) ? given : isInsights(given) ? [given] : Object.values(given)
  for (const each of listed)
    if (!isInsights(each))
      throw new InvalidOptionError(
        'insights',
        'option "insights" must be what insights(manager) returned, a list of that, or an object of that by the names of managers',
      )
  const nameless = listed.length === 1 && Object.keys(named).length === 0 ? listed[0] : undefined
  return (manager) => {
    const own = listed.find((each) => each.manager === manager)
    if (own !== undefined) return own
    const other = Object.hasOwn(named, manager.name) ? named[manager.name] : nameless
    return other?.manager === undefined ? other : undefined
  }
}

function isList<T>(given: T | readonly T[] | object): given is readonly T[] {
  return Array.isArray(given)
}

function isInsights(given: object): given is InspectedInsights {
  return typeof (given as Partial<InspectedInsights>).top === 'function'
}

function checked(manager: InspectedManager): InspectedManager {
  if (typeof (manager as Partial<InspectedManager> | undefined)?.getHealthStatus === 'function')
    return manager
  throw new InvalidOptionError(
    'managers',
    'serveInspection needs a connection manager, a list of them, or a function that returns one; pass what createConnectionManager or getConnections returned',
  )
}
