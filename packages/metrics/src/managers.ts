import { connectionManagers, InvalidOptionError, redactText } from '@connmgr/core'
import type { MeasuredManager } from './measured-manager.js'

/** A manager, or as `connectionManagers()` lists it. */
type Named = MeasuredManager | Listed

interface Listed {
  readonly manager: MeasuredManager
}

/**
 * A manager, several, or a function that names those there are now, such as `connectionManagers`: it is called each time
 * that metrics are read, and when a manager is made.
 */
export type MeasuredManagers = MeasuredManager | Iterable<Named> | (() => Iterable<Named>)

/**
 * Reads what an exporter of metrics is given to measure.
 *
 * @param given undefined for all managers of the process
 * @returns a function that lists the managers there are now, each once
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`, also from the function that is returned
 */
export function listManagers(
  given: MeasuredManagers | undefined,
): () => readonly MeasuredManager[] {
  if (given === undefined) return () => checked(connectionManagers())
  if (typeof given === 'function') return () => checked(given())
  const managers = isIterable(given) ? given : [given]
  // Now for the caller to see what is wrong; and each time, as a list may be added to.
  checked(managers)
  return () => checked(managers)
}

function checked(given: Iterable<Named>): readonly MeasuredManager[] {
  if (!isIterable(given)) throw refusal(given)
  const managers = new Set<MeasuredManager>()
  for (const each of given) {
    const manager = isListed(each) ? each.manager : each
    if (!isManager(manager)) throw refusal(manager)
    managers.add(manager)
  }
  return [...managers]
}

function isManager(value: unknown): value is MeasuredManager {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<MeasuredManager>).getPoolMetrics === 'function' &&
    typeof (value as Partial<MeasuredManager>).getFailoverStatus === 'function'
  )
}

function isListed(value: Named): value is Listed {
  return !isManager(value) && typeof value === 'object' && value !== null && 'manager' in value
}

function isIterable(value: unknown): value is Iterable<Named> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value
}

function refusal(value: unknown): InvalidOptionError {
  const shown =
    typeof value === 'object' && value !== null ? describe(value) : redactText(String(value))
  return new InvalidOptionError(
    'managers',
    `option "managers" must be a connection manager, a list of them or a function that returns one, but it is or contains ${shown}; pass what createConnectionManager or getConnections returned`,
  )
}

/** Never the content, which may hold a password. */
function describe(value: object): string {
  return `an object of class ${value.constructor?.name ?? 'Object'}`
}
