import { InvalidOptionError } from '../errors.js'
import { redactText } from '../secrets/redact-text.js'
import type { MeasuredManager } from './measured-manager.js'

/** A manager, several, or a function that names those there are now: it is called each time that metrics are read. */
export type MeasuredManagers =
  | MeasuredManager
  | Iterable<MeasuredManager>
  | (() => Iterable<MeasuredManager>)

/**
 * Reads what an exporter of metrics is given to measure.
 *
 * @returns a function that lists the managers there are now, each once
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`, also from the function that is returned
 */
export function listManagers(given: MeasuredManagers): () => readonly MeasuredManager[] {
  if (typeof given === 'function') return () => checked(given())
  if (isIterable(given)) {
    // A list may be added to.
    checked(given)
    return () => checked(given)
  }
  const only = checked([given])
  return () => only
}

function checked(managers: Iterable<MeasuredManager>): readonly MeasuredManager[] {
  if (!isIterable(managers)) throw refusal(managers)
  const list = [...new Set(managers)]
  for (const manager of list) if (!isManager(manager)) throw refusal(manager)
  return list
}

function isManager(value: unknown): value is MeasuredManager {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<MeasuredManager>).getPoolMetrics === 'function' &&
    typeof (value as Partial<MeasuredManager>).getFailoverStatus === 'function'
  )
}

function isIterable(value: unknown): value is Iterable<MeasuredManager> {
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
