import type { Socket } from 'node:net'
import type { Client } from 'pg'
import { internalsOf } from '../client-internals.js'

/** What node-postgres reads anew at each query. */
interface Switches {
  pipeline: boolean
  readonly connectionParameters?: { query_timeout?: number | string | false }
}

/** A client that sends its queries without waiting for the answers to those before, until it is to be as it was. */
export class Pipelining {
  /** In milliseconds, of a query that has no limit of its own; 0 for none. */
  readonly queryTimeoutMs: number
  readonly #switches: Switches
  readonly #queryTimeout: number | string | false | undefined
  readonly #stream: Socket | undefined
  #corked = false

  constructor(client: Client) {
    const switches = client as unknown as Switches
    this.#switches = switches
    this.#stream = internalsOf(client).connection?.stream
    this.#queryTimeout = switches.connectionParameters?.query_timeout
    this.queryTimeoutMs = Number(this.#queryTimeout || 0)
    switches.pipeline = true
    // On a timeout node-postgres would cut a pipelined connection off, with all that is under way on it.
    if (switches.connectionParameters !== undefined)
      switches.connectionParameters.query_timeout = false
  }

  /** All that is sent in one turn of the event loop goes out in one write. */
  cork(): void {
    if (this.#corked) return
    const stream = this.#stream
    if (stream?.cork === undefined) return
    this.#corked = true
    stream.cork()
    process.nextTick(() => {
      this.#corked = false
      stream.uncork()
    })
  }

  end(): void {
    const { connectionParameters } = this.#switches
    this.#switches.pipeline = false
    if (connectionParameters !== undefined)
      connectionParameters.query_timeout = this.#queryTimeout as number | false
  }
}
