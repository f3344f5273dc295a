import type { IncomingMessage } from 'node:http'
import { type ConnectionManager, connectionManagers, InvalidOptionError } from '@connmgr/core'
import { invalidOption, rejectUnknownOptions } from '@connmgr/core/driver'
import type { Insights } from '@connmgr/insights'
import { ACTIONS, type DashboardAction, type DashboardPurpose } from './actions/action.js'

/** A manager of any database, several, or a function that returns those there are now. */
export type DashboardManagers =
  | ConnectionManager<object>
  | readonly ConnectionManager<object>[]
  | (() => readonly ConnectionManager<object>[])

/** A request as `authorize` gets it: of `node:http`, Express or Fastify's `raw`, or of `fetch`. */
export type DashboardRequest = IncomingMessage | Request

/** Whether a request may; with a name, who makes it. */
export type DashboardDecision = boolean | { readonly name: string }

/** Who may see the page, what it shows, and what may be done from there. */
export interface DashboardOptions {
  /**
   * Whether a request may do what it is for: see the page (`{ action: 'view' }`), or have a manager do something, for which
   * it may see the page too. Return `true`, or `{ name }` so that events and the log say who it was. What it throws, or
   * rejects with, counts as a refusal.
   *
   * `@default` requests over a loopback connection that come straight from this machine: without `Forwarded` or
   * `X-Forwarded-For`, and for a host name that means this machine; all others are refused
   */
  readonly authorize?: (
    request: DashboardRequest,
    purpose: DashboardPurpose,
  ) => DashboardDecision | Promise<DashboardDecision>
  /**
   * What visitors may have managers do: all actions, or those of a list. Each is asked for by name before it is done, and
   * reported as `operatorActed`. `@default` false: the page only reads
   */
  readonly actions?: boolean | readonly DashboardAction[]
  /** What `insights(manager)` returned, once per manager whose statements the page is to show. `@default` none */
  readonly insights?: Insights | readonly Insights[]
  /** Shown above the page and in the title of its tab. `@default` 'Connections' */
  readonly title?: string
  /** Milliseconds between two pictures that are sent to an open page, at least 250. `@default` 1000 */
  readonly intervalMs?: number
}

/** The options with their defaults. */
export interface ResolvedOptions {
  readonly managers: () => readonly ConnectionManager<object>[]
  readonly authorize: DashboardOptions['authorize']
  /** In the order of {@link ACTIONS}; empty if the page only reads. */
  readonly actions: readonly DashboardAction[]
  readonly insights: ReadonlyMap<number, Insights>
  readonly title: string
  readonly intervalMs: number
}

const NAMES = ['actions', 'authorize', 'insights', 'intervalMs', 'title']
const SHORTEST_INTERVAL_MS = 250

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
export function resolveOptions(
  managers: DashboardManagers | undefined,
  options: DashboardOptions,
): ResolvedOptions {
  rejectUnknownOptions(options, NAMES, 'dashboard')
  const {
    actions = false,
    authorize,
    insights = [],
    intervalMs = 1000,
    title = 'Connections',
  } = options
  if (authorize !== undefined && typeof authorize !== 'function')
    throw invalidOption(
      'authorize',
      authorize,
      'a function that returns whether a request may see the page',
    )
  if (!Number.isFinite(intervalMs) || intervalMs < SHORTEST_INTERVAL_MS)
    throw invalidOption(
      'intervalMs',
      intervalMs,
      `a number of milliseconds from ${SHORTEST_INTERVAL_MS} on`,
    )
  if (typeof title !== 'string') throw invalidOption('title', title, 'a text')
  return {
    managers: listing(managers),
    authorize,
    actions: actionsOf(actions),
    insights: new Map(listOf(insights).map((each) => [managerIdOf(each), each])),
    title,
    intervalMs,
  }
}

function actionsOf(given: boolean | readonly DashboardAction[]): readonly DashboardAction[] {
  if (typeof given === 'boolean') return given ? ACTIONS : []
  const known: ReadonlySet<unknown> = new Set(ACTIONS)
  if (!Array.isArray(given) || !given.every((each) => known.has(each)))
    throw invalidOption('actions', given, `true, false, or a list of ${ACTIONS.join(', ')}`)
  return ACTIONS.filter((each) => given.includes(each))
}

function listing(given: DashboardManagers | undefined): () => readonly ConnectionManager<object>[] {
  if (given === undefined) return () => connectionManagers().map(({ manager }) => manager)
  if (typeof given === 'function') return () => given().map(checked)
  const managers = (isList(given) ? given : [given]).map(checked)
  return () => managers
}

function isList(
  given: ConnectionManager<object> | readonly ConnectionManager<object>[],
): given is readonly ConnectionManager<object>[] {
  return Array.isArray(given)
}

function checked(manager: ConnectionManager<object>): ConnectionManager<object> {
  if (typeof (manager as Partial<typeof manager> | undefined)?.getHealthStatus === 'function')
    return manager
  throw new InvalidOptionError(
    'managers',
    'dashboard needs a connection manager, a list of them, or a function that returns one; pass what createConnectionManager or getConnections returned',
  )
}

function listOf(insights: Insights | readonly Insights[]): readonly Insights[] {
  return Array.isArray(insights) ? insights : [insights as Insights]
}

function managerIdOf(insights: Insights): number {
  const { manager } = insights as Partial<Insights>
  if (manager !== undefined) return manager.id
  throw new InvalidOptionError(
    'insights',
    'option "insights" must be what insights(manager) returned, or a list of that',
  )
}
