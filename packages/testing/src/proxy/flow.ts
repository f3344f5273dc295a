import type { Socket } from 'node:net'

/** What happens to everything that passes through a {@link Flow}. */
export interface FlowConditions {
  /** Milliseconds from the arrival to the departure of each chunk. */
  latencyMs: number
  /** As much more at the most, for each chunk anew. */
  jitterMs: number
  /** Share of the chunks that are held up, 0 to 1, and for how long. What follows waits for them. */
  stalled: number
  stallMs: number
  /** Share of the chunks that get lost, 0 to 1. Each arrives once TCP has sent it again, and what follows waits for it. */
  loss: number
  /** True while nothing passes. What arrives meanwhile is kept, as a sender's TCP would keep it. */
  blocked: boolean
}

type Item = { readonly chunk: Buffer } | 'end' | 'reset'

/** Linux waits this long before it sends again, and twice as long each time. */
const FIRST_RESEND_MS = 200
const MOST_RESENDS = 6

function resendingMs(loss: number): number {
  let ms = 0
  for (let resends = 0; resends < MOST_RESENDS && Math.random() < loss; resends += 1)
    ms += FIRST_RESEND_MS * 2 ** resends
  return ms
}

/** How long one chunk is on its way. */
export function transitMs({ jitterMs, latencyMs, loss, stallMs, stalled }: FlowConditions): number {
  const stallingMs = Math.random() < stalled ? stallMs : 0
  return latencyMs + jitterMs * Math.random() + stallingMs + resendingMs(loss)
}

/** One direction of one connection: bytes, the end of the stream and resets, in order. */
export class Flow {
  readonly #source: Socket
  readonly #sink: Socket
  readonly #conditions: FlowConditions
  readonly #held: Item[] = []
  /** What is on its way, in order, and when each leaves. */
  readonly #underway: { readonly item: Item; readonly leavesAt: number }[] = []
  readonly #onData = (chunk: Buffer): void => this.#arrive({ chunk })
  readonly #onEnd = (): void => this.#arrive('end')
  readonly #onError = (): void => this.#arrive('reset')
  readonly #onDrain = (): void => this.update()
  #timer: NodeJS.Timeout | undefined

  constructor(source: Socket, sink: Socket, conditions: FlowConditions) {
    this.#source = source
    this.#sink = sink
    this.#conditions = conditions
    source.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onError)
    sink.on('drain', this.#onDrain)
    this.update()
  }

  /** To be called after the conditions have changed. */
  update(): void {
    // Unread bytes stay in the kernel, so that a sender notices nothing but silence.
    if (this.#conditions.blocked) {
      this.#source.pause()
      return
    }
    for (const item of this.#held.splice(0)) this.#pass(item)
    if (!this.#sink.writableNeedDrain) this.#source.resume()
  }

  /** Nothing passes any more; the source is left paused. */
  stop(): void {
    this.#source.pause()
    this.#source.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onError)
    this.#sink.off('drain', this.#onDrain)
    clearTimeout(this.#timer)
    this.#underway.length = 0
    this.#held.length = 0
  }

  #arrive(item: Item): void {
    const leavesAt = performance.now() + transitMs(this.#conditions)
    this.#underway.push({ item, leavesAt })
    // What follows waits for its turn, even if it is faster.
    if (this.#underway.length === 1) this.#letGo()
  }

  /** Lets go what is due. One timer at a time: two that are due together may fire in either order. */
  #letGo(): void {
    const now = performance.now()
    for (;;) {
      const [next] = this.#underway
      if (next === undefined) return
      if (next.leavesAt > now) {
        this.#timer = setTimeout(() => this.#letGo(), next.leavesAt - now)
        return
      }
      this.#underway.shift()
      this.#leave(next.item)
    }
  }

  #leave(item: Item): void {
    if (this.#conditions.blocked) this.#held.push(item)
    else this.#pass(item)
  }

  #pass(item: Item): void {
    if (this.#sink.destroyed) return
    if (item === 'end') this.#sink.end()
    else if (item === 'reset') this.#sink.resetAndDestroy()
    else if (!this.#sink.write(item.chunk)) this.#source.pause()
  }
}
