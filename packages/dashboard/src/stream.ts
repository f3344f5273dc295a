import { type Clock, systemClock, type TimerHandle } from '@connmgr/core/driver'

/** One open page. */
export interface Viewer {
  /** Sends text; false if the page is still busy with what it was sent before. */
  readonly send: (text: string) => boolean
  readonly end: () => void
}

/** Open pages; more are refused, as each costs a connection of the server. */
const MOST_VIEWERS = 100
/** A page whose stream breaks comes back after so many milliseconds. */
const RETRY_MS = 2000

/** Sends a picture of the managers to all open pages, each interval. While there are none it does nothing. */
export class ViewStream {
  readonly #view: () => string
  readonly #intervalMs: number
  readonly #clock: Clock
  /** Whether each takes more. */
  readonly #viewers = new Map<Viewer, boolean>()
  #timer: TimerHandle | undefined

  constructor(view: () => string, intervalMs: number, clock: Clock = systemClock) {
    this.#view = view
    this.#intervalMs = intervalMs
    this.#clock = clock
  }

  get isFull(): boolean {
    return this.#viewers.size >= MOST_VIEWERS
  }

  /** Sends it a picture now, and more until {@link leave}. */
  join(viewer: Viewer): void {
    this.#viewers.set(viewer, viewer.send(`retry: ${RETRY_MS}\n\n${messageOf(this.#view())}`))
    this.#schedule()
  }

  /** The page takes more. */
  drained(viewer: Viewer): void {
    if (this.#viewers.has(viewer)) this.#viewers.set(viewer, true)
  }

  leave(viewer: Viewer): void {
    this.#viewers.delete(viewer)
    if (this.#viewers.size > 0) return
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  close(): void {
    for (const viewer of [...this.#viewers.keys()]) {
      this.leave(viewer)
      viewer.end()
    }
  }

  #schedule(): void {
    if (this.#timer !== undefined) return
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined
      this.#sendAll()
      if (this.#viewers.size > 0) this.#schedule()
    }, this.#intervalMs)
  }

  #sendAll(): void {
    const message = messageOf(this.#view())
    // A page that is behind gets the next picture instead: an old one is of no use.
    for (const [viewer, ready] of this.#viewers) {
      if (ready) this.#viewers.set(viewer, viewer.send(message))
    }
  }
}

/** JSON has no line breaks, which would end the message. */
function messageOf(view: string): string {
  return `data: ${view}\n\n`
}
