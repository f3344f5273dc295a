import type { ManagerAcquireOptions, PoolCounts } from '@connmgr/core'
import { currentEffects, type FunctionReference, unnoted } from '@connmgr/core/driver'
import type { PoolClient } from 'pg'
import type { PgConnectionManager } from '../connection-manager.js'
import type { LentClients } from '../lent-clients.js'
import { Lanes } from './lanes.js'
import { lateClient } from './late-client.js'
import type { LateHost } from './late-session.js'
import type { Sharing } from './sharing.js'

/** The pool whose callers share connections. */
export interface SharingPool {
  readonly ending: boolean
  readonly manager: PgConnectionManager
  readonly clients: LentClients
  /** What a client asks for when it needs a connection of its own. */
  readonly wanted: ManagerAcquireOptions
  /** True if listeners follow each client that is lent. */
  readonly followsLending: boolean
  readonly counts: PoolCounts
}

const LANE_LABEL = 'shared lane'

/** Decides which calls of one pool share connections: queries through its lanes, clients by borrowing late. */
export class PoolSharing {
  readonly #pool: SharingPool
  readonly #lanes: Lanes
  readonly #host: LateHost

  constructor(pool: SharingPool, sharing: Sharing) {
    this.#pool = pool
    this.#lanes = this.#createLanes(sharing)
    this.#host = this.#createHost()
  }

  /**
   * The lanes for a query. Undefined in a session, whose reads must see its own writes and so need a connection that was
   * chosen for them, and once the manager is closed, which refuses the query.
   */
  get lanes(): Lanes | undefined {
    const { closed, inSession } = this.#pool.manager
    return inSession || closed ? undefined : this.#lanes
  }

  /**
   * A client without a connection yet; undefined where it matters which connection that is, or what is done when one is
   * lent: for work that may be run again, in a session, on standbys, and with listeners to what is lent.
   */
  lateClient(): PoolClient | undefined {
    const { ending, followsLending, manager, wanted } = this.#pool
    if (manager.closed || manager.inSession || ending || wanted.target !== 'primary')
      return undefined
    if (currentEffects() !== undefined || followsLending) return undefined
    return lateClient(manager.driver.clientPrototype, this.#host)
  }

  #createLanes(sharing: Sharing): Lanes {
    const pool = this.#pool
    const { manager, wanted } = pool
    const lanes = new Lanes(
      {
        lender: pool.clients,
        wanted: { target: wanted.target, label: LANE_LABEL },
        counts: () => pool.counts,
        catalogOf: (client) => manager.driver.catalogOf(client),
      },
      sharing,
    )
    // A server that was left, or connections that were invalidated, get no more queries.
    manager.on('poolCleared', () => lanes.retire())
    return lanes
  }

  #createHost(): LateHost {
    const { manager, clients, wanted } = this.#pool
    const lanes = this.#lanes
    return {
      get lanes() {
        return manager.closed ? undefined : lanes
      },
      queries: manager.queries,
      // Lent when no work that may be run again was under way.
      borrow: (below: FunctionReference, timeoutMs) =>
        unnoted(() =>
          clients.borrow(below, timeoutMs === undefined ? wanted : { ...wanted, timeoutMs }),
        ),
    }
  }
}
