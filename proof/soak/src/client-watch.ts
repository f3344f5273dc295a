import type { Client } from 'pg'

/** Knows how many clients are still in memory. Code that holds on to each one a little is found by this before the heap shows it. */
export class ClientWatch {
  readonly #collectGarbage: () => void
  readonly #known = new WeakSet<Client>()
  readonly #registry = new FinalizationRegistry<undefined>(() => {
    this.#alive -= 1
  })
  #alive = 0

  constructor(collectGarbage: () => void) {
    this.#collectGarbage = collectGarbage
  }

  saw(client: Client): void {
    if (this.#known.has(client)) return
    this.#known.add(client)
    this.#registry.register(client, undefined)
    this.#alive += 1
  }

  /** Clients that are in memory. What has just been collected counts from the next turn of the event loop on. */
  alive(): number {
    this.#collectGarbage()
    return this.#alive
  }
}
