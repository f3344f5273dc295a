import type { Lease, ManagerAcquireOptions } from '@connmgr/core'
import type { PgConnectionManager } from '@connmgr/pg'
import type { Client } from 'pg'
import type { ClientWatch } from './client-watch.js'
import type { HandOvers } from './hand-overs.js'
import type { LeakWatch } from './leak-watch.js'
import type { Misuses } from './misuses.js'
import type { Random } from './random.js'
import type { Writes } from './writes.js'

/** What all errands work with. */
export interface Workplace {
  readonly manager: PgConnectionManager
  readonly clients: ClientWatch
  readonly handOvers: HandOvers
  readonly leaks: LeakWatch
  readonly misuses: Misuses
  readonly writes: Writes
}

/** One run of one operation. However it borrows a connection, the connection is looked at first. */
export class Errand {
  readonly manager: PgConnectionManager
  readonly leaks: LeakWatch
  readonly misuses: Misuses
  readonly writes: Writes
  readonly startedAt = performance.now()
  /** Process ids of the connections it got: a kill of one of them explains its error. */
  readonly backends: number[] = []
  readonly #clients: ClientWatch
  readonly #handOvers: HandOvers

  constructor(
    readonly name: string,
    readonly random: Random,
    { manager, clients, handOvers, leaks, misuses, writes }: Workplace,
  ) {
    this.manager = manager
    this.leaks = leaks
    this.misuses = misuses
    this.writes = writes
    this.#clients = clients
    this.#handOvers = handOvers
  }

  /** Borrows by `acquire`, and gives back in the end unless `work` has done so. */
  async borrow(
    work: (lease: Lease<Client>, client: Client) => Promise<void>,
    options: ManagerAcquireOptions = {},
  ): Promise<void> {
    const lease = await this.manager.acquire({ label: this.name, ...options })
    const client = lease.connection
    try {
      await this.#receive(client)
      await work(lease, client)
    } finally {
      if (lease.active) this.giveBack(lease)
    }
  }

  giveBack(lease: Lease<Client>): void {
    this.#handOvers.end(lease.connection)
    lease.release()
  }

  destroy(lease: Lease<Client>): void {
    this.#handOvers.end(lease.connection)
    lease.destroy()
  }

  detach(lease: Lease<Client>): Client {
    this.#handOvers.end(lease.connection)
    return this.misuses.detach(lease)
  }

  /** Borrows by `use`. */
  use(work: (client: Client) => Promise<void>): Promise<void> {
    return this.manager.use((client) => this.#lookAndWork(client, false, work), {
      label: this.name,
    })
  }

  /** Borrows by `transaction`. */
  transaction(work: (client: Client) => Promise<void>): Promise<void> {
    return this.manager.transaction((client) => this.#lookAndWork(client, true, work), {
      label: this.name,
    })
  }

  async #lookAndWork(
    client: Client,
    begun: boolean,
    work: (client: Client) => Promise<void>,
  ): Promise<void> {
    try {
      await this.#receive(client, begun)
      await work(client)
    } finally {
      this.#handOvers.end(client)
    }
  }

  async #receive(client: Client, begun = false): Promise<void> {
    this.#clients.saw(client)
    const { processID } = client as unknown as { processID?: number }
    if (processID !== undefined) this.backends.push(processID)
    await this.#handOvers.receive(client, this.name, begun)
  }
}
