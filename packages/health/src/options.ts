import type { ConnectionManager } from '@connmgr/core'
import { type Clock, invalidOption, rejectUnknownOptions, systemClock } from '@connmgr/core/driver'
import type { HealthRequest } from './http/request.js'

/** The manager of any database, as far as health needs it. */
export type HealthManager = Pick<
  ConnectionManager<object>,
  'closed' | 'getHealthStatus' | 'name' | 'on' | 'oneDatabase' | 'ready' | 'warmUp'
>

/** One manager and what it means for the readiness of the process. */
export interface WatchedManager {
  readonly manager: HealthManager
  /** Its name in bodies. `@default` the manager's name */
  readonly name?: string
  /** True if the process can do its work without this database: then it never makes readiness fail. `@default` false */
  readonly optional?: boolean
  /**
   * What must be possible for the process to be ready. With `reads` a cluster without a writer, or a database that is
   * read-only, is degraded, and so ready. `@default` 'reads'
   */
  readonly requires?: 'reads' | 'writes'
}

/**
 * How much a body tells.
 *
 * - `none`: the status alone
 * - `summary`: also what is wrong, in words that name no host, and counts of connections
 * - `full`: also servers by host and port, their errors, roles and lag. For callers who may see that
 */
export type Details = 'none' | 'summary' | 'full'

export interface HealthOptions {
  /**
   * How long after the last moment at which the database could serve readiness stays 200, in milliseconds; 0 for not at
   * all, `Infinity` for as long as an outage may last. All instances lose a shared database at the same moment, and a
   * balancer that takes all of them out turns a short wait into an outage of everything. The default is how long callers
   * wait for a connection (`acquireTimeoutMs`), so that requests during a failover wait rather than fail.
   * `@default` 30_000
   */
  readonly graceMs?: number
  /** How much a body tells, or a function that decides for each request. `@default` 'summary' */
  readonly details?: Details | ((request: HealthRequest) => Details)
  /** For tests. `@default` the clock of the process */
  readonly clock?: Clock
}

export interface ResolvedManager extends Required<WatchedManager> {}

export interface ResolvedOptions {
  readonly graceMs: number
  readonly details: (request: HealthRequest) => Details
  readonly clock: Clock
}

const DETAILS: readonly Details[] = ['none', 'summary', 'full']
const NEEDS: readonly ResolvedManager['requires'][] = ['reads', 'writes']
const OPTION_NAMES = ['graceMs', 'details', 'clock']
const MANAGER_OPTION_NAMES = ['manager', 'name', 'optional', 'requires']
const DEFAULT_GRACE_MS = 30_000

export type Managers = HealthManager | WatchedManager | readonly (HealthManager | WatchedManager)[]

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
export function resolveOptions(options: HealthOptions): ResolvedOptions {
  if (typeof options !== 'object' || options === null)
    throw invalidOption('options', options, 'an object')
  rejectUnknownOptions(options, OPTION_NAMES, 'the options of healthHandlers')
  const { clock = systemClock, details = 'summary', graceMs = DEFAULT_GRACE_MS } = options
  if (typeof graceMs !== 'number' || !(graceMs >= 0))
    throw invalidOption('graceMs', graceMs, 'a number of milliseconds from 0 to Infinity')
  if (typeof details === 'function') return { clock, details, graceMs }
  if (!isDetails(details))
    throw invalidOption('details', details, `${oneOf(DETAILS)}, or a function that returns one`)
  return { clock, details: () => details, graceMs }
}

export function isDetails(value: unknown): value is Details {
  return DETAILS.includes(value as Details)
}

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
export function resolveManagers(given: Managers): readonly ResolvedManager[] {
  const list = Array.isArray(given) ? given : [given]
  if (list.length === 0) throw invalidOption('managers', '[]', 'at least one manager')
  const names = new Set<string>()
  return list.map((each: unknown, index) => {
    const option = Array.isArray(given) ? `managers[${index}]` : 'manager'
    const resolved = isManager(each) ? plain(each) : resolveManager(each, option)
    let { name } = resolved
    // Names are by default those of databases, and two managers of one kind have the same.
    for (let number = 2; names.has(name); number += 1) name = `${resolved.name}-${number}`
    names.add(name)
    return { ...resolved, name }
  })
}

function plain(manager: HealthManager): ResolvedManager {
  return { manager, name: manager.name, optional: false, requires: 'reads' }
}

function resolveManager(given: unknown, option: string): ResolvedManager {
  const { manager } = (given ?? {}) as Partial<WatchedManager>
  if (!isManager(manager))
    throw invalidOption(
      option,
      given,
      'a ConnectionManager, or an object with one as its "manager"',
    )
  rejectUnknownOptions(given as object, MANAGER_OPTION_NAMES, option)
  const { name = manager.name, optional = false, requires = 'reads' } = given as WatchedManager
  if (typeof name !== 'string' || name === '')
    throw invalidOption(`${option}.name`, name, 'a text that is not empty')
  if (typeof optional !== 'boolean')
    throw invalidOption(`${option}.optional`, optional, 'true or false')
  if (!NEEDS.includes(requires)) throw invalidOption(`${option}.requires`, requires, oneOf(NEEDS))
  return { manager, name, optional, requires }
}

function isManager(value: unknown): value is HealthManager {
  if (typeof value !== 'object' || value === null) return false
  const { getHealthStatus, on, ready } = value as Partial<HealthManager>
  return [getHealthStatus, on, ready].every((each) => typeof each === 'function')
}

function oneOf(values: readonly string[]): string {
  return `one of ${values.map((each) => `'${each}'`).join(', ')}`
}
