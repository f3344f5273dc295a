import type { EventEmitter } from 'node:events'

type Listener = (...args: unknown[]) => void
export type AddMethod = 'on' | 'addListener' | 'once' | 'prependListener' | 'prependOnceListener'

/** One listener, as it was given and as the client has it. */
interface Added {
  readonly event: string | symbol
  readonly listener: Listener
  readonly wrapped: Listener & { listener: Listener }
}

/**
 * The listeners that one borrower has added to a client. They go with the borrower, and the borrower can remove these
 * alone: the client has others that it lives by, such as the one without which an 'error' ends the process.
 */
export class BorrowedListeners {
  readonly #client: EventEmitter
  #added: Added[] = []

  constructor(client: EventEmitter) {
    this.#client = client
  }

  /** @param self what the listener sees as `this` */
  add(method: AddMethod, event: string | symbol, listener: unknown, self: unknown): void {
    if (typeof listener !== 'function') {
      // Node's own words for that.
      this.#client[method](event, listener as Listener)
      return
    }
    const once = method === 'once' || method === 'prependOnceListener'
    const call = (...args: unknown[]): void => {
      if (once) this.#drop(added)
      Reflect.apply(listener, self, args)
    }
    // By this property Node finds a wrapped listener when it is to be removed, or listed.
    const wrapped = Object.assign(call, { listener: listener as Listener })
    const added: Added = { event, listener: listener as Listener, wrapped }
    this.#added.push(added)
    this.#client[method.startsWith('prepend') ? 'prependListener' : 'on'](event, wrapped)
  }

  remove(event: string | symbol, listener: unknown): void {
    const added = this.#added.findLast((each) => each.event === event && each.listener === listener)
    if (added !== undefined) this.#drop(added)
  }

  /** @param event all events if it is undefined */
  removeAll(event?: string | symbol): void {
    for (const added of this.#added)
      if (event === undefined || added.event === event) this.#client.off(added.event, added.wrapped)
    this.#added = this.#added.filter((added) => event !== undefined && added.event !== event)
  }

  #drop(added: Added): void {
    this.#added = this.#added.filter((each) => each !== added)
    this.#client.off(added.event, added.wrapped)
  }
}
