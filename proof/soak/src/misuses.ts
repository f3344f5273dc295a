import type { Lease } from '@connmgr/core'
import type { PgConnectionManager } from '@connmgr/pg'
import type { Client } from 'pg'

/** Ends leases once more than allowed, and compares that with what the manager says of it. */
export class Misuses {
  #count = 0
  #reported = 0
  #detached = 0

  constructor(manager: PgConnectionManager) {
    manager.on('leaseMisused', () => {
      this.#reported += 1
    })
  }

  get count(): number {
    return this.#count
  }

  /** Connections that were taken out for good: no misuse, but only counted here. */
  get detached(): number {
    return this.#detached
  }

  get wronglyReported(): number {
    return Math.abs(this.#count - this.#reported)
  }

  detach(lease: Lease<Client>): Client {
    const client = lease.detach()
    this.#detached += 1
    return client
  }

  releaseAgain(lease: Lease<Client>): void {
    this.#count += 1
    lease.release()
  }

  destroyAgain(lease: Lease<Client>): void {
    this.#count += 1
    lease.destroy()
  }
}
