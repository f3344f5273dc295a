import type { Clock } from '@connmgr/core'
import type { TimerHandle } from '@connmgr/core/driver'
import type { Client } from 'pg'
import { cancelTargetOf, sendCancel } from '../cancel.js'
import { type ClientInternals, internalsOf } from '../client-internals.js'
import type { SharedQuery } from './shared-query.js'

/** The two connections are not in order, so a cancel request may overtake the statement that it is for. */
const CANCEL_AGAIN_MS = 500
/** Without an answer by then the server is frozen or gone. */
const CANCEL_PATIENCE_MS = 1000

/** The queries under way on one connection whose callers wait for them no more, each cancelled once the server is at it. */
export class AbandonedQueries {
  /** A statement was cancelled here; the request may hit the one after it. */
  cancelled = false
  readonly #client: Client
  readonly #internals: ClientInternals
  readonly #clock: Clock
  readonly #cutOff: () => void
  #count = 0
  #timer: TimerHandle | undefined
  #beingCancelled: unknown
  #awaitingHead = false

  /** @param cutOff ends the connection of a server that does not answer */
  constructor(client: Client, clock: Clock, cutOff: () => void) {
    this.#client = client
    this.#internals = internalsOf(client)
    this.#clock = clock
    this.#cutOff = cutOff
  }

  /** One more has been abandoned. */
  add(): void {
    this.#count += 1
    this.#cancelHead()
  }

  /** The server has come to the end of a query. */
  ended(query: SharedQuery): void {
    if (query.abandoned) this.#count -= 1
    // node-postgres moves on to the next query once this returns.
    if (this.#count > 0) process.nextTick(() => this.#cancelHead())
  }

  /** No query is under way any more. */
  stop(): void {
    this.#clock.clearTimeout(this.#timer)
  }

  /** Cancels the statement that the server is at, if its caller waits for it no more; of those behind it, it knows nothing yet. */
  #cancelHead(): void {
    const head = this.#internals._activeQuery as SharedQuery | null | undefined
    if (head == null) this.#cancelHeadSoon()
    if (!head?.abandoned || head === this.#beingCancelled) return
    this.#clock.clearTimeout(this.#timer)
    this.#beingCancelled = head
    this.#cancel()
    this.#timer = this.#clock.setTimeout(
      () => {
        if (this.#internals._activeQuery !== head) return
        this.#cancel()
        this.#timer = this.#clock.setTimeout(
          () => {
            if (this.#internals._activeQuery === head) this.#cutOff()
          },
          CANCEL_PATIENCE_MS - CANCEL_AGAIN_MS,
          true,
        )
      },
      CANCEL_AGAIN_MS,
      true,
    )
  }

  /** Of a query that failed the server tells first the error, and then that it goes on to the next. */
  #cancelHeadSoon(): void {
    if (this.#awaitingHead || this.#count === 0 || hasEnded(this.#internals)) return
    this.#awaitingHead = true
    this.#internals.connection?.once('readyForQuery', () => {
      this.#awaitingHead = false
      this.#cancelHead()
    })
  }

  #cancel(): void {
    const target = cancelTargetOf(this.#client)
    this.cancelled = true
    if (target !== undefined) void sendCancel(target)
  }
}

/** Whether the connection of a client is gone. */
export function hasEnded({ _ended, _queryable }: ClientInternals): boolean {
  return _queryable === false || _ended === true
}
