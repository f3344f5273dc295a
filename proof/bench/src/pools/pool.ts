/** What a benchmark asks of a pool of fake connections. */
export interface PoolSettings {
  readonly size: number
  /** Connections above `size`; pools that know none get one bound for both. */
  readonly overflow?: number
  /** How long a connection takes to open. */
  readonly connectMs?: number
  readonly acquireTimeoutMs?: number
}

/** A pool under measurement. `H` is whatever it hands out. */
export interface MeasuredPool<H = unknown> {
  acquire(): Promise<H>
  release(handle: H): void
  /** Missing where a queued acquire cannot be cancelled. */
  abortable?(): AbortableAcquire<H>
  /** Connections opened so far. */
  readonly opened: number
  close(): Promise<unknown>
}

/** An acquire that has not begun yet; whatever the caller needs for cancelling it has been made. */
interface AbortableAcquire<H> {
  /** Rejects once `abort` was called. */
  acquire(): Promise<H>
  abort(): void
}

/** One contender: how to make its pool, with its own defaults for everything the settings do not say. */
export interface PoolKind {
  readonly name: string
  open(settings: PoolSettings): MeasuredPool
}

/** Opens fake connections and counts them. */
export class FakeServer {
  opened = 0

  constructor(readonly connectMs: number) {}

  async connect(): Promise<object> {
    this.opened += 1
    if (this.connectMs > 0) await new Promise((resolve) => setTimeout(resolve, this.connectMs))
    return {}
  }
}
