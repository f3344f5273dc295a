import { type Clock, type ManagerOptions, UnsupportedError } from '@connmgr/core'
import { invalidOption, rejectUnknownOptions, systemClock } from '@connmgr/core/driver'
import type { Client } from 'pg'
import { nodePostgres } from '../node-postgres.js'
import type { ClientClass } from '../session-opener.js'
import { type SharedQueryClass, sharedQueryOf } from './shared-query.js'

/** How independent queries share connections; see the option `shared`. */
export interface SharedOptions {
  /**
   * Connections that queries share at most, as long as none of them is held up by a slow query; up to as many again
   * are used while some are. `@default` 4
   */
  readonly lanes?: number
  /** Queries at most that are under way on one of them: so many a slow query can hold up. `@default` 64 */
  readonly depth?: number
  /**
   * Whether clients of `connect()` take a connection of their own only when a statement first needs one, and send what
   * they read before that over shared connections. For libraries that take a client for every statement, such as Kysely.
   * `@default` false; TypeORM's clients do so unless it is set to false
   */
  readonly lateBinding?: boolean
}

/** How these options turn out. */
type ResolvedSharing = Required<Omit<SharedOptions, 'lateBinding'>> &
  Pick<SharedOptions, 'lateBinding'>

/** What a pool needs to share its connections. */
export interface Sharing {
  readonly options: ResolvedSharing
  readonly Query: SharedQueryClass
  readonly clock: Clock
}

const DEFAULTS = { lanes: 4, depth: 64 }
const MOST = { lanes: 1000, depth: 10_000 }
const NUMBERS = ['lanes', 'depth'] as const

/**
 * How a manager with these options shares connections; undefined if it does not.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 * @throws UnsupportedError `CONNMGR_UNSUPPORTED` for a client class that cannot send a query before the last is answered
 */
export function sharingOf(
  shared: unknown,
  {
    clock = systemClock,
    onAcquire,
    poolMode,
  }: Pick<ManagerOptions<Client>, 'clock' | 'onAcquire' | 'poolMode'>,
  Client: ClientClass = nodePostgres.Client,
): Sharing | undefined {
  const options = resolveOptions(shared)
  if (options === undefined) return undefined
  if (onAcquire !== undefined) {
    throw invalidOption(
      'shared',
      shared,
      'left out with onAcquire, as the callers of a lane share one session, and so one tenant',
    )
  }
  if (poolMode === 'static')
    throw invalidOption('shared', shared, "left out with poolMode 'static'")
  if (!('_pulsePipelinedQueryQueue' in Client.prototype && 'Query' in Client)) {
    throw new UnsupportedError(
      'option "shared" needs a node-postgres whose clients can pipeline: install pg 8.23 or later, or leave "shared" out',
    )
  }
  return { options, Query: sharedQueryOf(Client), clock }
}

function resolveOptions(given: unknown): ResolvedSharing | undefined {
  if (given === undefined || given === false) return undefined
  if (given === true) return DEFAULTS
  if (typeof given !== 'object' || given === null)
    throw invalidOption('shared', given, 'true, false or an object')
  rejectUnknownOptions(given, [...NUMBERS, 'lateBinding'], 'shared')
  const { lateBinding } = given as SharedOptions
  if (lateBinding !== undefined && typeof lateBinding !== 'boolean')
    throw invalidOption('shared.lateBinding', lateBinding, 'true or false')
  const settings = { ...DEFAULTS }
  for (const name of NUMBERS) {
    const value = (given as SharedOptions)[name]
    if (value === undefined) continue
    if (!Number.isInteger(value) || value < 1 || value > MOST[name])
      throw invalidOption(`shared.${name}`, value, `a whole number from 1 to ${MOST[name]}`)
    settings[name] = value
  }
  return lateBinding === undefined ? settings : { ...settings, lateBinding }
}
