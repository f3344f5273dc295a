import type { ConnectionSignal } from '../driver/contract.js'
import { ConnectFailedError, toError } from '../errors.js'
import { summarize } from '../events/event-parts.js'
import type { BudgetPlace } from './budget-place.js'
import type { CallerQueue } from './caller-queue.js'
import type { ConnectPace } from './connect-pace.js'
import type { Connections } from './connections.js'
import { Abandoned, type Connector, HookFailure } from './connector.js'
import type { PoolContext } from './context.js'
import type { Drain } from './drain.js'
import type { PoolEntry } from './entry.js'
import type { Fitness } from './fitness.js'
import type { NextSteps } from './next-steps.js'
import type { PooledProbes } from './pooled-probes.js'
import type { RoleTrust } from './role-trust.js'
import type { Signals } from './signals.js'

export interface OpeningParts<C extends object> {
  readonly budget: BudgetPlace<C>
  readonly connections: Connections<C>
  readonly connector: Connector<C>
  readonly pace: ConnectPace<C>
  readonly drain: Drain
  readonly fitness: Fitness<C>
  readonly probes: PooledProbes<C>
  readonly queue: CallerQueue<C>
  readonly signals: Signals<C>
  readonly trust: RoleTrust
}

/** What held when a connection began to be opened. */
interface Beginning {
  readonly startedAt: number
  readonly generation: number
  /** Stops of the process until then. */
  readonly stops: number
  /** Whether the connection is for a probe rather than for a waiter. */
  readonly ahead: boolean
}

/** Opens connections: takes each new one into service, and acts on each attempt that fails. */
export class Opening<C extends object> {
  readonly #context: PoolContext<C>
  readonly #parts: OpeningParts<C>
  readonly #next: NextSteps<C>

  constructor(context: PoolContext<C>, parts: OpeningParts<C>, next: NextSteps<C>) {
    this.#context = context
    this.#parts = parts
    this.#next = next
  }

  /** Why the pool has no connection though they come about: `onConnect` fails each time, for example. */
  get uselessError(): Error | undefined {
    const { connections, pace } = this.#parts
    return connections.size === 0 ? pace.uselessError : undefined
  }

  /** @param ahead whether the connection is for a probe rather than for a waiter */
  open(ahead = false): void {
    const { clock, events, stall } = this.#context.runtime
    const { connections, connector, fitness, signals } = this.#parts
    const { generation } = fitness
    const beginning: Beginning = { startedAt: clock.now(), generation, stops: stall.stops, ahead }
    let entry: PoolEntry<C> | undefined
    let early: ConnectionSignal | undefined
    const onSignal = (signal: ConnectionSignal): void => {
      if (entry === undefined) early = signal
      else signals.received(entry, signal)
    }
    connections.startOpening()
    connector.open(onSignal, ahead).then(
      (connection) =>
        events.turn(() => {
          entry = this.#adopt(connection, beginning)
          this.#begin(entry, early)
          // Its place among the concurrent connects is free for the next.
          this.#next.supply()
        }),
      (thrown: unknown) =>
        events.turn(() => {
          this.#failed(thrown, beginning)
          this.#next.slotChanged()
        }),
    )
  }

  #adopt(connection: C, { ahead, generation, startedAt, stops }: Beginning): PoolEntry<C> {
    const { endpoint, observer } = this.#context
    const { events, name } = this.#context.runtime
    const { budget, connections, queue, trust } = this.#parts
    budget.connected()
    const entry = connections.adopt(connection, generation)
    this.#context.measures.create.record(entry.createdAt - startedAt)
    events.emit({
      type: 'connectionCreated',
      pool: name,
      endpoint: endpoint.id,
      connectionId: entry.id,
      durationMs: entry.createdAt - startedAt,
    })
    entry.ahead = ahead
    entry.suspect = trust.distrustful || trust.wary || (ahead && queue.suspended)
    observer.connected(endpoint)
    if (this.#context.runtime.stall.hasStoppedSince(stops)) entry.suspect = true
    return entry
  }

  /** Puts a new connection into service, unless it has come to nothing already. */
  #begin(entry: PoolEntry<C>, early: ConnectionSignal | undefined): void {
    const { connections, pace, drain, probes, signals } = this.#parts
    const broken = this.#context.driver.inspect(entry.connection) === 'broken'
    if ((broken || early?.kind === 'lost') && !drain.over) {
      // The next ones may well end like this one, as fast as the server accepts them.
      const { id } = this.#context.endpoint
      pace.useless(early?.error ?? new Error(`a connection to ${id} ended while it was prepared`))
    }
    if (early !== undefined) signals.received(entry, early)
    if (broken) connections.close(entry, 'lost')
    const asking = probes.takeWaiting()
    if (asking.length > 0 && entry.state !== 'closed') probes.ask(asking, entry)
    else {
      this.#next.admit(entry)
      for (const settle of asking) settle(Promise.resolve(undefined))
    }
  }

  #failed(thrown: unknown, beginning: Beginning): void {
    const { budget, connections, probes } = this.#parts
    // An abandoned attempt says nothing about the server.
    const abandoned = thrown instanceof Abandoned
    connections.openingFailed()
    budget.connectFailed(abandoned)
    const asking = probes.takeWaiting()
    for (const settle of asking)
      settle(abandoned ? Promise.resolve(undefined) : Promise.reject(thrown))
    if (!abandoned) this.#report(toError(thrown), beginning, asking.length > 0)
  }

  /** @param asked whether a probe has waited for the connection */
  #report(error: Error, { ahead, startedAt }: Beginning, asked: boolean): void {
    const { driver, endpoint, observer } = this.#context
    const { clock, events, name } = this.#context.runtime
    const byHook = error instanceof HookFailure
    const kind = driver.classify(error)
    if (ahead && kind === 'busy') {
      // The refusal answers the probe, and no caller was waiting for the connection.
      observer.connectFailed(endpoint, kind, error, asked)
      return
    }
    events.emit({
      type: 'connectionFailed',
      pool: name,
      endpoint: endpoint.id,
      reason: byHook ? 'hook' : 'connect',
      durationMs: clock.now() - startedAt,
      error: summarize(byHook ? error.cause : error),
    })
    if (byHook) this.#failForHook(error)
    else if (observer.connectFailed(endpoint, kind, error, asked) === 'give-up') {
      const { queue } = this.#parts
      queue.failAll('connect-failed', () => new ConnectFailedError(endpoint.id, error))
    }
  }

  #failForHook(failure: HookFailure): void {
    const { pace, queue } = this.#parts
    if (failure.late) return
    // One may be an accident, and costs one caller; if the next connection meets the same, so will the others.
    if (pace.uselessError === undefined) queue.first?.fail('connect-failed', failure.forCaller())
    else queue.failAll('connect-failed', () => failure.forCaller())
  }
}
