import { askOver } from '../driver/ask-over.js'
import { isAnswer } from '../driver/failure-kind.js'
import type { ProbeResult } from '../driver/replication.js'
import type { BudgetPlace } from './budget-place.js'
import type { CallerQueue } from './caller-queue.js'
import type { ConnectPace } from './connect-pace.js'
import type { PoolProbes } from './connection-pool.js'
import type { Connections } from './connections.js'
import type { Connector } from './connector.js'
import type { PoolContext } from './context.js'
import type { Drain } from './drain.js'
import type { PoolEntry } from './entry.js'
import type { NextSteps } from './next-steps.js'
import type { Sizing } from './sizing.js'
import type { Testing } from './testing.js'

/** Shortest pause between two connections that are opened for probes. */
const AHEAD_PAUSE_MS = 20

/** Answers a probe that waits for a connection. */
export type Settle = (answer: Promise<ProbeResult | undefined>) => void

export interface PooledProbesParts<C extends object> {
  readonly budget: BudgetPlace<C>
  readonly connections: Connections<C>
  readonly connector: Connector<C>
  readonly pace: ConnectPace<C>
  readonly drain: Drain
  readonly queue: CallerQueue<C>
  readonly sizing: Sizing<C>
  readonly testing: Testing<C>
}

/** Probes the server over connections of the pool, before these are lent. */
export class PooledProbes<C extends object> implements PoolProbes {
  readonly #context: PoolContext<C>
  readonly #parts: PooledProbesParts<C>
  readonly #next: Pick<NextSteps<C>, 'open' | 'slotChanged'>
  /** Probes that wait for the next connection that is opened or returned. */
  readonly #waiting: Settle[] = []
  /** When a connection was last opened for a probe. */
  #openedAt = Number.NEGATIVE_INFINITY

  constructor(
    context: PoolContext<C>,
    parts: PooledProbesParts<C>,
    next: Pick<NextSteps<C>, 'open' | 'slotChanged'>,
  ) {
    this.#context = context
    this.#parts = parts
    this.#next = next
  }

  /** Whether a probe waits for the next connection. */
  get waiting(): boolean {
    return this.#waiting.length > 0
  }

  overIdle(): Promise<ProbeResult | undefined> {
    const { clock, events } = this.#context.runtime
    const now = clock.now()
    return events.turn(() => {
      const entry = this.#parts.connections.takeIdle(now)
      return entry === undefined ? Promise.resolve(undefined) : this.#ask(entry)
    })
  }

  overNext(): Promise<ProbeResult | undefined> {
    return this.#context.runtime.events.turn(() => {
      this.#openAhead()
      if (this.#parts.connections.opening === 0) return Promise.resolve(undefined)
      return new Promise<ProbeResult | undefined>((settle) => this.#waiting.push(settle))
    })
  }

  closeUnused(): void {
    const { connections, sizing } = this.#parts
    this.#context.runtime.events.turn(() => {
      for (const entry of connections.idle)
        if (entry.ahead && connections.idle.size > sizing.minIdle) connections.close(entry, 'idle')
      this.#next.slotChanged()
    })
  }

  /** Ends the waiting of the probes that wait, which the pool must then settle. */
  takeWaiting(): Settle[] {
    return this.#waiting.splice(0)
  }

  /** Answers these probes over a connection, then admits it. */
  ask(probes: readonly Settle[], entry: PoolEntry<C>): void {
    const answer = this.#ask(entry)
    for (const settle of probes) settle(answer)
  }

  /** Opens a connection for a probe, unless one is on its way. A caller who arrives meanwhile gets it. */
  #openAhead(): void {
    const { budget, connections, connector, drain, pace, queue, sizing } = this.#parts
    if (queue.suspended || drain.begun || connections.opening > 0) return
    // What one leads to may be a reason to look again.
    const now = this.#context.runtime.clock.now()
    if (now - this.#openedAt < AHEAD_PAUSE_MS) return
    this.#openedAt = now
    pace.hasten()
    if (connections.opening > 0 || !connector.admits() || !budget.mayOpen()) return
    if (connections.size >= (this.#context.endpoint.capacity ?? Number.POSITIVE_INFINITY)) return
    // Also beyond the limit: should one be lost meanwhile, this is its successor, and else it is closed.
    this.#next.open(queue.size === 0 || connections.size >= sizing.limit)
  }

  /** Probes the server over a connection, then admits the connection. Without an answer it never settles. */
  #ask(entry: PoolEntry<C>): Promise<ProbeResult> {
    const { driver, endpoint } = this.#context
    return new Promise((resolve, reject) => {
      let settle = (): void => {}
      const question = async (connection: C): Promise<void> => {
        try {
          const answer = await askOver(driver, endpoint, connection)
          settle = () => resolve(answer)
        } catch (error) {
          settle = () => reject(error)
          // An error that the server has sent shows that the connection works.
          if (!isAnswer(driver.classify(error))) throw error
        }
      }
      // Settles after the connection has been admitted, because the prober may then close it.
      this.#parts.testing.test(entry, question, () => settle())
    })
  }
}
