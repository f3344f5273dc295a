import type { EventEmitter } from 'node:events'
import type { EndpointCatalog } from './catalog.js'

/** Keeps a catalog from being believed while one client is changing it. */
export class CatalogChange {
  readonly #client: EventEmitter
  readonly #isClean: () => boolean
  /** A statement that may change the catalog has been sent, and may not have been committed yet. */
  #pending: EndpointCatalog | undefined

  /** @param isClean whether the client is in no transaction and runs nothing */
  constructor(client: EventEmitter, isClean: () => boolean) {
    this.#client = client
    this.#isClean = isClean
  }

  /** A statement that may change the catalog is sent: what was read counts no more, nor what is read until this has ended. */
  begin(catalog: EndpointCatalog): void {
    catalog.invalidate()
    if (this.#pending !== undefined) return
    this.#pending = catalog
    const onDrain = (): void => {
      if (!this.#isClean()) return
      this.#client.off('drain', onDrain)
      this.#pending = undefined
      catalog.invalidate()
    }
    this.#client.on('drain', onDrain)
  }

  /** The connection is gone, with the change made or not. */
  lost(): void {
    this.#pending?.invalidate()
  }
}
