import type { LeaseReport } from '@connmgr/core'
import type { Insights } from '@connmgr/insights'
import type { DashboardAction } from './action.js'
import { Refusal } from './refusal.js'
import type { Wish } from './wish.js'

/** Does what is wished; resolves with what has come of it, in a sentence. */
type Performance = (wish: Wish, by: string, insights: Insights | undefined) => Promise<string>

/**
 * Does what a visitor wishes.
 *
 * @param by who it is, for the reasons that events and statuses show
 * @returns what has come of it, in a sentence
 * @throws Refusal if it cannot be done as things are
 * @throws ConnmgrError what the manager has against it
 */
export async function perform(
  wish: Wish,
  by: string,
  insights: Insights | undefined,
): Promise<string> {
  if (wish.manager.closed) throw new Refusal(409, 'The manager is closed.')
  return PERFORMANCES[wish.action](wish, by, insights)
}

const PERFORMANCES: Readonly<Record<DashboardAction, Performance>> = {
  check: async ({ manager }) => {
    const { endpoint, error, healthy, responseTimeMs, role } = await manager.checkHealth()
    if (!healthy) return `${endpoint} does not answer as it should: ${error?.message ?? role}`
    return `${endpoint} is well: it answered within ${Math.ceil(responseTimeMs)} ms${role === 'unknown' ? '' : `, as ${role}`}.`
  },
  recycle: async (wish, by) => {
    requireReplaceable(wish)
    const { idle, inUse } = wish.manager.getCounts()
    wish.manager.clear(`recycled by ${by}`)
    return `${counted(idle, 'idle connection')} closed; ${inUse} in use will close when they come back.`
  },
  reclaim: async (wish) => {
    requireReplaceable(wish)
    const { leaseId, manager } = wish
    const holder = manager.getHolders().find((each) => each.leaseId === leaseId)
    if (holder === undefined || !manager.reclaim(holder.leaseId))
      throw new Refusal(409, 'The connection has come back already: no one holds it by this lease.')
    return `Connection ${holder.connectionId} was taken from ${nameOf(holder)}, and its slot is free.`
  },
  failover: async ({ endpoint, manager }) => {
    await manager.failover(endpoint)
    const { activeEndpoint } = manager.getFailoverStatus()
    if (activeEndpoint === endpoint) return `${endpoint} takes writes.`
    return `${endpoint} was asked for; ${activeEndpoint ?? 'no server'} takes writes.`
  },
  quarantine: async ({ endpoint = '', manager }, by) => {
    await manager.quarantine(endpoint, `taken out of service by ${by}`)
    return `${endpoint} is out of service until it is put back.`
  },
  unquarantine: async ({ endpoint = '', manager }) => {
    await manager.unquarantine(endpoint)
    const { endpoints } = manager.getFailoverStatus()
    const state = endpoints.find(({ id }) => id === endpoint)?.state ?? 'gone'
    return `${endpoint} may serve again; it is ${state}.`
  },
  'reset-insights': async (_wish, _by, insights) => {
    if (insights === undefined)
      throw new Refusal(409, 'The statements of this manager are not watched.')
    insights.reset()
    return 'What insights had seen is forgotten; they count from now on.'
  },
}

/** What lives in the one connection of a static pool, such as a database in memory, ends with it. */
function requireReplaceable({ manager }: Wish): void {
  if (manager.getPoolSettings().poolMode === 'static')
    throw new Refusal(
      409,
      'This manager keeps one connection for good: closing it could lose what is in it.',
    )
}

function nameOf({ checkedOutBy, label }: LeaseReport): string {
  return label ?? checkedOutBy ?? 'its holder'
}

function counted(count: number, noun: string): string {
  return count === 1 ? `1 ${noun} was` : `${count} ${noun}s were`
}
