import type { ConnectionManager } from '@connmgr/core'
import { ACTIONS, type DashboardAction, type DashboardPurpose } from './action.js'
import { Refusal } from './refusal.js'

/** What is to be done, by which manager. */
export interface Wish {
  readonly action: DashboardAction
  readonly manager: ConnectionManager<object>
  /** Of `failover`, `quarantine` and `unquarantine`. */
  readonly endpoint: string | undefined
  /** Of `reclaim`. */
  readonly leaseId: number | undefined
}

const OF_ENDPOINTS: ReadonlySet<DashboardAction> = new Set([
  'failover',
  'quarantine',
  'unquarantine',
])

/**
 * Reads what a request asks for.
 *
 * @param offered the actions that are enabled
 * @throws Refusal for what is not enabled, is unknown, or lacks a part
 */
export function wishOf(
  query: URLSearchParams,
  offered: readonly DashboardAction[],
  managers: readonly ConnectionManager<object>[],
): Wish {
  const action = ACTIONS.find((each) => each === query.get('action'))
  if (action === undefined)
    throw new Refusal(400, `Name what to do as "action": one of ${ACTIONS.join(', ')}.`)
  if (!offered.includes(action))
    throw new Refusal(403, `"${action}" is not enabled: see the option "actions" of dashboard().`)
  const id = countIn(query, 'manager')
  if (id === undefined) throw new Refusal(400, 'Name the manager as "manager", by its number.')
  const manager = managers.find((each) => each.id === id)
  if (manager === undefined)
    throw new Refusal(404, 'This manager is not there any more: it has been closed.')
  return {
    action,
    manager,
    endpoint: OF_ENDPOINTS.has(action) ? endpointIn(query, manager) : undefined,
    leaseId: action === 'reclaim' ? leaseIn(query) : undefined,
  }
}

/** The wish as `authorize` gets it. */
export function purposeOf({ action, endpoint, leaseId, manager }: Wish): DashboardPurpose {
  return {
    action,
    manager: manager.name,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(leaseId === undefined ? {} : { leaseId }),
  }
}

function endpointIn(query: URLSearchParams, manager: ConnectionManager<object>): string {
  const id = query.get('endpoint')
  if (!id) throw new Refusal(400, 'Name the server as "endpoint".')
  if (manager.getFailoverStatus().endpoints.some((each) => each.id === id)) return id
  throw new Refusal(404, 'The manager has no such server, or not any more.')
}

function leaseIn(query: URLSearchParams): number {
  const leaseId = countIn(query, 'lease')
  if (leaseId === undefined) throw new Refusal(400, 'Name the lease as "lease", by its number.')
  return leaseId
}

function countIn(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name) ?? ''
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
