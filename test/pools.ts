import type { Socket } from 'node:net'
import { ManagedPool, type ManagedPoolConfig } from '@connmgr/pg'
import { FakeClock } from '@connmgr/testing'
import pg from 'pg'

/** Longer than any deadline of closing a pool. */
const CLOSED_BY_MS = 5000

/** The two pools that are compared, made with the same words, and ended in whatever state a test has left them. */
export class Pools {
  readonly #clients = new Set<pg.Client>()
  readonly #theirs: pg.Pool[] = []
  readonly #ours: { pool: ManagedPool; clock: unknown }[] = []

  /** A `pg.Pool` with an 'error' listener, as its documentation asks for. */
  theirs(config: pg.PoolConfig): pg.Pool {
    const clients = this.#clients
    class NotedClient extends pg.Client {
      constructor(own?: string | pg.ClientConfig) {
        super(own)
        clients.add(this)
      }
    }
    const pool = new pg.Pool({ ...config, Client: NotedClient } as pg.PoolConfig)
    pool.on('error', () => {})
    this.#theirs.push(pool)
    return pool
  }

  ours(config: ManagedPoolConfig): ManagedPool {
    const pool = new ManagedPool({ logger: false, ...config })
    this.#ours.push({ pool, clock: config.clock })
    return pool
  }

  async end(): Promise<void> {
    for (const client of this.#clients) {
      client.on('error', () => {})
      ;(client as unknown as { connection: { stream: Socket } }).connection.stream.destroy()
    }
    // Not awaited: with a client that was never given back, or that never connected, it does not settle.
    for (const pool of this.#theirs) if (!pool.ending) pool.end().catch(() => {})
    await Promise.all(
      this.#ours.map(async ({ pool, clock }) => {
        const closing = pool.$connections.close({ drainTimeoutMs: 0 })
        if (clock instanceof FakeClock) await clock.advance(CLOSED_BY_MS)
        await closing
      }),
    )
    this.#clients.clear()
    this.#theirs.length = 0
    this.#ours.length = 0
  }
}

/** Whether a promise is still open once everything that can go on has gone on. */
export function isPending(promise: Promise<unknown>): Promise<boolean> {
  return Promise.race([
    promise.then(
      () => false,
      () => false,
    ),
    new Promise<boolean>((resolve) => setImmediate(resolve, true)),
  ])
}

/** Has the timers of code that knows no other clock move only when the test says so. */
export function stopTimers(): void {
  jest.useFakeTimers({
    doNotFake: ['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate'],
  })
}
