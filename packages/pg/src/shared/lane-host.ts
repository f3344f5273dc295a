import type { Lease } from '@connmgr/core'
import type { FunctionReference } from '@connmgr/core/driver'
import type { Client } from 'pg'
import type { EndpointCatalog } from '../catalog/catalog.js'
import type { Lane } from './lane.js'

/** A connection of the pool that a lane uses. */
export interface Loan {
  readonly client: Client
  readonly lease: Lease<Client>
}

/** All lanes of a pool, as one of them sees them. */
export interface LaneHost {
  borrow(below: FunctionReference): Promise<Lease<Client>>
  begin(lease: Lease<Client>): Client
  /** Of the database that it leads to. */
  catalogOf(client: Client): EndpointCatalog | undefined
  /** The lane is over, and gives back what it had. @param destroy true if the connection must not be lent again */
  end(lane: Lane, loan: Loan | undefined, destroy: boolean): void
  /** A caller waits for a connection, and lanes have most of them. */
  readonly crowding: boolean
  /** A caller waits for a connection, so that another lane would have to wait for its own, and there is but one. */
  readonly irreplaceable: boolean
}
