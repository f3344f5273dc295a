import type { Lease } from '@connmgr/core'
import type { FakeConnection, FakeMethod, FakeOutcome } from '@connmgr/testing'
import type fc from 'fast-check'
import { type Harness, manage } from './harness.js'
import { type Caller, Callers } from './model-callers.js'
import { chosen } from './model-step.js'
import type { ModelledOptions } from './pool-options.js'
import { type Occasion, UserCode, type Verb } from './pool-user-code.js'
import { Violations } from './violations.js'

export const ACQUIRE_TIMEOUT_MS = 1000
const OTHER_TIMEOUT_MS = 300

export type Failing = 'onConnect' | FakeMethod
/** What a history may have fail. */
export const CALLS: readonly Failing[] = [
  'connect',
  'onConnect',
  'validate',
  'settle',
  'reset',
  'rollback',
  'close',
]

/**
 * One pool under a random history, and a model that knows what must hold after each step of it.
 *
 * Calls of the driver that nothing else was said about settle in the order that the scheduler chooses.
 */
export class PoolModel {
  readonly harness: Harness
  readonly userCode = new UserCode(
    () => this.harness,
    (verb, index) => this.#perform(verb, index),
  )
  readonly #scheduler: fc.Scheduler
  readonly #options: ModelledOptions
  readonly #detached = new Set<FakeConnection>()
  /** What the next calls of each kind come to, one each. */
  readonly #scripted = new Map<Failing, FakeOutcome[]>(CALLS.map((each) => [each, []]))
  readonly #violations = new Violations()
  readonly #callers = new Callers(this.#violations)
  #free = false
  #limit: number
  #highest = 0
  #suspended = false
  #closing: Promise<void> | undefined

  constructor(options: ModelledOptions, scheduler: fc.Scheduler) {
    this.#options = options
    this.#scheduler = scheduler
    this.#limit =
      options.poolMode === 'static' ? 1 : (options.poolSize ?? 0) + (options.maxOverflow ?? 0)
    this.harness = manage({
      ...options,
      acquireTimeoutMs: ACQUIRE_TIMEOUT_MS,
      connectTimeoutMs: OTHER_TIMEOUT_MS,
      validateTimeoutMs: OTHER_TIMEOUT_MS,
      resetTimeoutMs: OTHER_TIMEOUT_MS,
      closeTimeoutMs: OTHER_TIMEOUT_MS,
      onConnect: async (connection) => {
        if (!this.#free)
          await this.userCode.onConnect(connection, () => this.#outcomeOf('onConnect'))
      },
      prepare: (driver) => {
        for (const method of CALLS) {
          if (method !== 'onConnect') driver.always(method, () => this.#outcomeOf(method))
        }
      },
    })
    this.harness.manager.onAny((event) => this.userCode.called(event.type as Occasion))
  }

  get resizable(): boolean {
    return this.#options.poolMode !== 'static'
  }

  get waiting(): Caller[] {
    return this.#callers.waiting
  }

  get holding(): Caller[] {
    return this.#callers.holding
  }

  get closing(): boolean {
    return this.#closing !== undefined
  }

  acquire(timeoutMs: number, aborted: boolean): void {
    const caller: Caller = {
      number: this.#callers.latest + 1,
      controller: new AbortController(),
      state: 'waiting',
    }
    if (aborted) caller.controller.abort()
    const { signal } = caller.controller
    this.#callers.add(caller)
    // Before the pool hears of it, and after.
    signal.addEventListener('abort', () => void this.userCode.called('abort')?.catch(() => {}))
    this.harness.manager.acquire({ timeoutMs, signal }).then(
      (lease) => this.#onServed(caller, lease),
      () => this.#callers.fail(caller),
    )
    signal.addEventListener('abort', () => void this.userCode.called('abort')?.catch(() => {}))
  }

  end(caller: Caller, how: 'release' | 'destroy' | 'detach'): void {
    const { lease } = caller
    if (lease === undefined || caller.state !== 'holding') return
    caller.state = 'done'
    const lost = caller.connection?.open !== true
    if (how !== 'detach') lease[how]()
    else if (!this.resizable) this.#refuseDetach(lease)
    else if (lost) lease.detach()
    else this.#detached.add(lease.detach())
  }

  #refuseDetach(lease: Lease<FakeConnection>): void {
    try {
      lease.detach()
    } catch {
      return
    }
    this.#violations.add('the only connection was detached')
  }

  /** A caller that has ended its lease, and does so again. */
  endAgain(pick: number): void {
    const { done } = this.#callers
    done[pick % Math.max(1, done.length)]?.lease?.release()
  }

  script(method: Failing, outcome: FakeOutcome): void {
    this.#scripted.get(method)?.push(outcome)
  }

  resize(poolSize: number, maxOverflow: number): void {
    // Listeners that hear of it may resize it again.
    this.#limit = poolSize + maxOverflow
    this.harness.manager.resize({ poolSize, maxOverflow })
  }

  suspend(suspended: boolean): void {
    this.#suspended = suspended
    if (suspended) this.harness.manager.suspend()
    else this.harness.manager.resume()
  }

  close(): void {
    this.#closing ??= this.harness.manager.close({ drainTimeoutMs: 500 })
  }

  async settleOne(): Promise<void> {
    if (this.#scheduler.count() > 0) await this.#scheduler.waitNext(1)
  }

  async settleAll(): Promise<void> {
    await this.#scheduler.waitIdle()
  }

  /** What must hold at every moment in which nothing is about to happen. */
  async check(): Promise<void> {
    await this.harness.clock.settle()
    const { manager, driver } = this.harness
    const metrics = manager.getPoolMetrics()
    const counts = manager.getCounts()
    this.#callers.check(metrics, this.closing)
    const open = counts.total + counts.connecting
    if (open > this.#limit && open > this.#highest) {
      this.#violations.add(`${open} connections where ${this.#limit} are allowed`)
    }
    this.#highest = open
    this.#violations.equal(
      'created - closed - detached',
      metrics.totalConnectionsCreated - metrics.totalConnectionsClosed - this.#detached.size,
      counts.total,
    )
    if (counts.total + this.#detached.size > driver.open.length + this.#lostWhileDetached()) {
      this.#violations.add(
        `counts ${counts.total} connections, of which only ${driver.open.length} exist`,
      )
    }
    // Those under validation will each serve one waiter, or make room for it.
    const between = counts.total - counts.idle - counts.inUse
    if (counts.waiting > between && counts.idle > 0 && !this.#suspended) {
      this.#violations.add(`${counts.idle} idle while ${counts.waiting} wait`)
    }
    const { excess } = this.userCode
    if (excess !== undefined) this.#violations.add(excess)
    // What is left of the total when the others are taken off: too few, if one of them counts too many.
    if (counts.cleaning < 0) this.#violations.add(`${counts.cleaning} are being cleaned`)
    this.#violations.assertNone()
  }

  /** Ends the run: everything works again, so no slot may be lost; then everything closes, so nothing may be left. */
  async finish(): Promise<void> {
    const { manager, driver, clock } = this.harness
    this.#free = true
    this.userCode.stop()
    for (const caller of this.holding) this.end(caller, 'release')
    if (!this.closing) {
      this.suspend(false)
      await this.#takeAll()
    }
    this.close()
    await this.#scheduler.waitIdle()
    await clock.advance(10_000)
    await this.#closing
    await this.check()
    this.#violations.equal('callers left waiting', this.waiting.length, 0)
    this.#violations.equal('total after close', manager.getCounts().total, 0)
    for (const connection of this.#detached) driver.destroy(connection)
    this.#violations.equal('connections left open', driver.open.length, 0)
    this.#violations.equal('timers left', clock.pendingKeepAliveTimers, 0)
    this.#violations.assertNone()
  }

  /** As many callers as the limit allows must be able to hold a connection at the same time. */
  async #takeAll(): Promise<void> {
    for (const { controller } of this.waiting) controller.abort()
    // What is under way may fail yet, and take a caller with it.
    await this.#scheduler.waitIdle()
    await this.harness.clock.advance(3000)
    for (let index = 0; index < this.#limit; index += 1) {
      // One after the other, as `maxWaiters` may be small; and with time, as the pool may be backing off.
      this.acquire(60_000, false)
      await this.#scheduler.waitIdle()
      await this.harness.clock.advance(2000)
    }
    await this.check()
    this.#violations.equal(
      'callers that hold a connection at once',
      this.holding.length,
      this.#limit,
    )
    const { cleaning, idle, testing } = this.harness.manager.getCounts()
    this.#violations.equal('connections that are none of theirs', idle + testing + cleaning, 0)
    for (const caller of this.holding) this.end(caller, 'release')
  }

  #lostWhileDetached(): number {
    return [...this.#detached].filter((each) => !each.open).length
  }

  #onServed(caller: Caller, lease: Lease<FakeConnection>): void {
    const { connection } = lease
    this.#callers.serve(caller, lease, () => true)
    if (this.#options.reset === 'discard-all' && connection.session.size > 0)
      this.#violations.add(`connection ${connection.id} was lent with settings of its last user`)
  }

  #outcomeOf(method: Failing): FakeOutcome {
    if (this.#free) return 'succeed'
    const scripted = this.#scripted.get(method)?.shift()
    if (method === 'onConnect') return scripted ?? 'succeed'
    return scripted ?? { until: this.#scheduler.schedule(Promise.resolve(), method) }
  }

  #perform(verb: Verb, index: number): void {
    const { holding, waiting } = this
    const { manager, driver } = this.harness
    if (verb === 'acquire') this.acquire(ACQUIRE_TIMEOUT_MS, false)
    else if (verb === 'clear') manager.clear()
    else if (verb === 'grow' && this.resizable) this.resize(4, 2)
    else if (verb === 'suspend' || verb === 'resume') this.suspend(verb === 'suspend')
    else if (verb === 'abort' && waiting.length > 0) chosen(waiting, index).controller.abort()
    else if (verb === 'lose' && driver.open.length > 0) chosen(driver.open, index).lose()
    else if (verb === 'close' && index === 0) this.close()
    else if ((verb === 'release' || verb === 'destroy') && holding.length > 0)
      this.end(chosen(holding, index), verb)
    else if (verb === 'evict' && holding.length > 0)
      manager.evict(chosen(holding, index).lease?.connectionId ?? 0)
    else if (verb === 'reclaim' && holding.length > 0)
      manager.reclaim(chosen(holding, index).lease?.id ?? 0)
  }
}
