import type { ConnmgrEventType, Lease, ManagerOptions } from '@connmgr/core'
import { type FakeConnection, type FakeMethod, type FakeOutcome, play } from '@connmgr/testing'
import fc from 'fast-check'
import { type Harness, manage } from './harness.js'
import { chosen, stepsOf } from './model-step.js'

/** What a caller of `acquire` has been through, as the model sees it. */
interface Caller {
  readonly number: number
  readonly controller: AbortController
  state: 'waiting' | 'holding' | 'failed' | 'done'
  lease?: Lease<FakeConnection>
  connection?: FakeConnection
}

type Options = Partial<ManagerOptions<FakeConnection>>

const anyMode = {
  minIdle: fc.integer({ min: 0, max: 1 }),
  maxWaiters: fc.constantFrom(0, 2),
  reset: fc.constantFrom('none', 'discard-all'),
  prePing: fc.boolean(),
} as const
/** Everything that a run may choose about the pool. Small numbers meet their limits soonest. */
const poolOptions: fc.Arbitrary<Options> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      ...anyMode,
      poolSize: fc.integer({ min: 1, max: 3 }),
      maxOverflow: fc.integer({ min: 0, max: 2 }),
      maxUses: fc.constantFrom(0, 2),
      maxLifetimeMs: fc.constantFrom(0, 3000),
      idleTimeoutMs: fc.constantFrom(0, 2000),
      idleOrder: fc.constantFrom('lifo', 'fifo'),
      connectConcurrency: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ ...anyMode, poolMode: fc.constant('static') }) },
) as fc.Arbitrary<Options>
const ACQUIRE_TIMEOUT_MS = 1000
const OTHER_TIMEOUT_MS = 300

/** While the hook fails each time: so many attempts to begin with, and so many a second. */
const ATTEMPTS_AT_FIRST = 16
const ATTEMPTS_A_SECOND = 2.5

/** Where user code may run that does something to the pool. */
const OCCASIONS = [
  'connectionCreated',
  'connectionFailed',
  'connectionClosed',
  'connectionAcquired',
  'connectionReleased',
  'connectionDirty',
  'acquireFailed',
  'validationFailed',
  'leaseMisused',
  'poolCleared',
  'poolResized',
  'poolClosed',
  'listenerFailed',
  'onConnect',
  'abort',
] as const satisfies readonly (ConnmgrEventType | 'onConnect' | 'abort')[]
type Occasion = (typeof OCCASIONS)[number]

const VERBS = [
  'acquire',
  'release',
  'destroy',
  'abort',
  'clear',
  'evict',
  'grow',
  'suspend',
  'resume',
  'lose',
  'close',
  'throw',
  'reject',
] as const
type Verb = (typeof VERBS)[number]

/** Something that user code does when it is called next on an occasion. */
interface Reaction {
  readonly on: Occasion
  readonly verb: Verb
  readonly index: number
}

/** How a hook may leave its connection. */
const LEFTOVERS = ['transaction', 'stuck', 'busy', 'lost'] as const
type Leftover = (typeof LEFTOVERS)[number]

type Failing = 'onConnect' | FakeMethod
const CALLS: readonly Failing[] = [
  'connect',
  'onConnect',
  'validate',
  'settle',
  'reset',
  'rollback',
  'close',
]
const outcomes: fc.Arbitrary<FakeOutcome> = fc.constantFrom<FakeOutcome[]>(
  'hang',
  { fail: 'lost' },
  { fail: 'unreachable' },
  { fail: 'statement' },
  { afterMs: 50 },
  { afterMs: 2000 },
  { afterMs: 50, fail: 'lost' },
  { throw: new Error('thrown at once') },
)

/**
 * One pool under a random history, and a model that knows what must hold after each step of it.
 *
 * Calls of the driver that nothing else was said about settle in the order that the scheduler chooses.
 */
export class PoolModel {
  readonly harness: Harness
  readonly #scheduler: fc.Scheduler
  readonly #options: Partial<ManagerOptions<FakeConnection>>
  readonly #callers: Caller[] = []
  readonly #detached = new Set<FakeConnection>()
  /** What the next calls of each kind come to, one each. */
  readonly #scripted = new Map<Failing, FakeOutcome[]>(CALLS.map((each) => [each, []]))
  readonly #violations: string[] = []
  readonly #reactions: Reaction[] = []
  readonly #leftovers: Leftover[] = []
  /** Since when the hook fails each time, and how many attempts there were before. */
  #hookFails: { readonly since: number; readonly attempts: number } | undefined
  #free = false
  #served = 0
  #failed = 0
  #limit: number
  #highest = 0
  #suspended = false
  #closing: Promise<void> | undefined

  constructor(options: Partial<ManagerOptions<FakeConnection>>, scheduler: fc.Scheduler) {
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
      onConnect: (connection) => this.#onConnect(connection),
      prepare: (driver) => {
        for (const method of CALLS) {
          if (method !== 'onConnect') driver.always(method, () => this.#outcomeOf(method))
        }
      },
    })
    this.harness.manager.onAny((event) => this.#react(event.type as Occasion))
  }

  get resizable(): boolean {
    return this.#options.poolMode !== 'static'
  }

  get waiting(): Caller[] {
    return this.#callers.filter((each) => each.state === 'waiting')
  }

  get holding(): Caller[] {
    return this.#callers.filter((each) => each.state === 'holding')
  }

  get closing(): boolean {
    return this.#closing !== undefined
  }

  acquire(timeoutMs: number, aborted: boolean): void {
    const caller: Caller = {
      number: this.#callers.length + 1,
      controller: new AbortController(),
      state: 'waiting',
    }
    if (aborted) caller.controller.abort()
    const { signal } = caller.controller
    this.#callers.push(caller)
    // Before the pool hears of it, and after.
    signal.addEventListener('abort', () => void this.#react('abort')?.catch(() => {}))
    this.harness.manager.acquire({ timeoutMs, signal }).then(
      (lease) => this.#onServed(caller, lease),
      () => {
        this.#failed += 1
        caller.state = 'failed'
      },
    )
    signal.addEventListener('abort', () => void this.#react('abort')?.catch(() => {}))
  }

  /** Has user code do something the next time that it is called. */
  react(reaction: Reaction): void {
    this.#reactions.push(reaction)
  }

  /** How the next hook leaves its connection. */
  leave(leftover: Leftover): void {
    this.#leftovers.push(leftover)
  }

  /** From now on the hook fails each time, or no longer. */
  failHooks(fail: boolean): void {
    if (fail === (this.#hookFails !== undefined)) return
    const { clock, driver } = this.harness
    this.#hookFails = fail ? { since: clock.now(), attempts: driver.count('connect') } : undefined
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
    this.#violate('the only connection was detached')
  }

  /** A caller that has ended its lease, and does so again. */
  endAgain(pick: number): void {
    const done = this.#callers.filter((each) => each.state === 'done')
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
    const held = this.holding.filter((each) => each.connection?.open === true)
    const open = counts.total + counts.connecting
    if (open > this.#limit && open > this.#highest) {
      this.#violate(`${open} connections where ${this.#limit} are allowed`)
    }
    this.#highest = open
    // A drain that ran out of time takes connections from their holders, and says goodbye to them meanwhile.
    if (!this.closing || metrics.checkedOut > held.length) {
      this.#equal('checkedOut', metrics.checkedOut, held.length)
    }
    this.#equal('waiting', metrics.waiting, this.waiting.length)
    this.#equal('totalCheckouts', metrics.totalCheckouts, this.#served)
    this.#equal('failedCheckouts', metrics.failedCheckouts, this.#failed)
    this.#equal(
      'created - closed - detached',
      metrics.totalConnectionsCreated - metrics.totalConnectionsClosed - this.#detached.size,
      counts.total,
    )
    if (counts.total + this.#detached.size > driver.open.length + this.#lostWhileDetached) {
      this.#violate(`counts ${counts.total} connections, of which only ${driver.open.length} exist`)
    }
    // Those under validation will each serve one waiter, or make room for it.
    const between = counts.total - counts.idle - counts.inUse
    if (counts.waiting > between && counts.idle > 0 && !this.#suspended) {
      this.#violate(`${counts.idle} idle while ${counts.waiting} wait`)
    }
    this.#checkAttempts()
    // What is left of the total when the others are taken off: too few, if one of them counts too many.
    if (counts.cleaning < 0) this.#violate(`${counts.cleaning} are being cleaned`)
    const owned = new Set(held.map((each) => each.connection))
    this.#equal('owners', owned.size, held.length)
    if (this.#violations.length > 0) throw new Error(this.#violations.join('; '))
  }

  /** Ends the run: everything works again, so no slot may be lost; then everything closes, so nothing may be left. */
  async finish(): Promise<void> {
    const { manager, driver, clock } = this.harness
    this.#free = true
    this.#reactions.length = 0
    this.#hookFails = undefined
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
    this.#equal('callers left waiting', this.waiting.length, 0)
    this.#equal('total after close', manager.getCounts().total, 0)
    for (const connection of this.#detached) driver.destroy(connection)
    this.#equal('connections left open', driver.open.length, 0)
    this.#equal('timers left', clock.pendingKeepAliveTimers, 0)
    if (this.#violations.length > 0) throw new Error(this.#violations.join('; '))
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
    this.#equal('callers that hold a connection at once', this.holding.length, this.#limit)
    const { cleaning, idle, testing } = this.harness.manager.getCounts()
    this.#equal('connections that are none of theirs', idle + testing + cleaning, 0)
    for (const caller of this.holding) this.end(caller, 'release')
  }

  get #lostWhileDetached(): number {
    return [...this.#detached].filter((each) => !each.open).length
  }

  #onServed(caller: Caller, lease: Lease<FakeConnection>): void {
    const { connection } = lease
    if (caller.state !== 'waiting') this.#violate(`caller ${caller.number} was served twice`)
    const earlier = this.waiting.find((each) => each.number < caller.number)
    if (earlier !== undefined) {
      this.#violate(`caller ${caller.number} was served before caller ${earlier.number}`)
    }
    if (this.holding.some((each) => each.connection === connection)) {
      this.#violate(`connection ${connection.id} was lent twice`)
    }
    if (connection.open && connection.condition !== 'clean') {
      this.#violate(`connection ${connection.id} was lent ${connection.condition}`)
    }
    if (this.#options.reset === 'discard-all' && connection.session.size > 0) {
      this.#violate(`connection ${connection.id} was lent with somebody's settings`)
    }
    caller.state = 'holding'
    caller.lease = lease
    caller.connection = connection
    this.#served += 1
  }

  #outcomeOf(method: Failing): FakeOutcome {
    if (this.#free) return 'succeed'
    const scripted = this.#scripted.get(method)?.shift()
    if (method === 'onConnect') return scripted ?? 'succeed'
    return scripted ?? { until: this.#scheduler.schedule(Promise.resolve(), method) }
  }

  async #onConnect(connection: FakeConnection): Promise<void> {
    if (this.#free) return
    await this.#react('onConnect')
    if (this.#hookFails !== undefined) throw new Error('the hook fails each time')
    await play(this.#outcomeOf('onConnect'), this.harness.clock, {})
    const leftover = this.#leftovers.shift()
    if (leftover === 'lost') connection.lose()
    else if (leftover === 'busy') {
      this.harness.driver.next('query', { afterMs: 100 })
      connection.query('select 1').catch(() => {})
    } else if (leftover !== undefined) connection.condition = leftover
  }

  /** A login is dear to the server, and worth nothing if the hook fails. */
  #checkAttempts(): void {
    if (this.#hookFails === undefined) return
    const { attempts, since } = this.#hookFails
    const seconds = (this.harness.clock.now() - since) / 1000
    const made = this.harness.driver.count('connect') - attempts
    if (made > ATTEMPTS_AT_FIRST + ATTEMPTS_A_SECOND * seconds)
      this.#violate(`${made} attempts in ${seconds} s while the hook fails each time`)
  }

  /** User code is called. What it does may fail; what it is told by a promise is its own affair. */
  #react(on: Occasion): Promise<void> | undefined {
    const at = this.#reactions.findIndex((each) => each.on === on)
    const [reaction] = at < 0 ? [] : this.#reactions.splice(at, 1)
    if (reaction === undefined) return undefined
    const { index, verb } = reaction
    if (verb === 'throw' && on !== 'abort') throw new Error('user code threw')
    if (verb === 'reject') return Promise.reject(new Error('user code rejected'))
    this.#perform(verb, index)
    return undefined
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
  }

  #equal(what: string, actual: number, expected: number): void {
    if (actual !== expected) this.#violate(`${what} is ${actual}, should be ${expected}`)
  }

  #violate(what: string): void {
    this.#violations.push(what)
  }
}

type Command = fc.AsyncCommand<PoolModel, PoolModel>

const step = stepsOf<PoolModel>()
const pick = fc.nat({ max: 20 })
const someHold = (model: PoolModel): boolean => model.holding.length > 0
const someWait = (model: PoolModel): boolean => model.waiting.length > 0

const acquire = fc
  .tuple(fc.constantFrom(100, ACQUIRE_TIMEOUT_MS), fc.integer({ min: 0, max: 19 }))
  .map(([timeoutMs, luck]) =>
    step(`acquire(${timeoutMs}${luck === 0 ? ', aborted' : ''})`, (model) =>
      model.acquire(timeoutMs, luck === 0),
    ),
  )
const end = fc
  .tuple(fc.constantFrom('release', 'release', 'release', 'release', 'destroy', 'detach'), pick)
  .map(([how, index]) =>
    step(
      `${how}(${index})`,
      (model) => model.end(chosen(model.holding, index), how as 'release'),
      someHold,
    ),
  )
const settleOne = fc.constant(step('settleOne', (model) => model.settleOne()))
const settleAll = fc.constant(step('settleAll', (model) => model.settleAll()))
const reaction = fc
  .tuple(fc.constantFrom(...OCCASIONS), fc.constantFrom(...VERBS), pick)
  .map(([on, verb, index]) =>
    step(`in(${on}, ${verb}, ${index})`, (model) => model.react({ on, verb, index })),
  )
/** What makes histories long stands here more than once. */
const common = [
  acquire,
  acquire,
  acquire,
  acquire,
  acquire,
  settleOne,
  settleAll,
  settleAll,
  end,
  end,
  end,
]

const commandArbitraries: fc.Arbitrary<Command>[] = [
  ...common,
  pick.map((index) => step(`releaseAgain(${index})`, (model) => model.endAgain(index))),
  pick.map((index) =>
    step(`abort(${index})`, (model) => chosen(model.waiting, index).controller.abort(), someWait),
  ),
  pick.map((index) =>
    step(
      `abortAndRelease(${index})`,
      (model) => {
        const holder = chosen(model.holding, index)
        chosen(model.waiting, index).controller.abort()
        model.end(holder, 'release')
      },
      (model) => someHold(model) && someWait(model),
    ),
  ),
  fc.tuple(fc.constantFrom('begin', 'set x to 1', 'select 1'), pick).map(([text, index]) =>
    step(
      `query(${text}, ${index})`,
      async (model) => {
        await chosen(model.holding, index)
          .connection?.query(text)
          .catch(() => {})
      },
      someHold,
    ),
  ),
  pick.map((index) =>
    step(
      `leaveBusy(${index})`,
      (model) => {
        const caller = chosen(model.holding, index)
        model.harness.driver.next('query', { afterMs: 100 })
        caller.connection?.query('select 1').catch(() => {})
        model.end(caller, 'release')
      },
      someHold,
    ),
  ),
  fc.tuple(pick, fc.boolean()).map(([index, fatal]) =>
    step(
      `${fatal ? 'fatal' : 'lose'}(${index})`,
      (model) => {
        const connection = chosen(model.harness.driver.open, index)
        if (fatal) connection.signal('shutdown')
        else connection.lose()
      },
      (model) => model.harness.driver.open.length > 0,
    ),
  ),
  fc
    .tuple(fc.constantFrom(...CALLS), outcomes)
    .map(([method, outcome]) =>
      step(`next(${method}, ${fc.stringify(outcome)})`, (model) => model.script(method, outcome)),
    ),
  fc
    .constantFrom(1, 60, 400, 1500, 4000)
    .map((ms) => step(`advance(${ms})`, (model) => model.harness.clock.advance(ms))),
  fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 2 })).map(([size, overflow]) =>
    step(
      `resize(${size}, ${overflow})`,
      (model) => model.resize(size, overflow),
      (model) => model.resizable,
    ),
  ),
  reaction,
  reaction,
  fc
    .constantFrom(...LEFTOVERS)
    .map((leftover) => step(`hookLeaves(${leftover})`, (model) => model.leave(leftover))),
  fc
    .boolean()
    .map((fail) => step(fail ? 'hooksFail' : 'hooksWork', (model) => model.failHooks(fail))),
  pick.map((index) =>
    step(
      `leaveStuck(${index})`,
      (model) => {
        const caller = chosen(model.holding, index)
        if (caller.connection !== undefined) caller.connection.condition = 'stuck'
        model.end(caller, 'release')
      },
      someHold,
    ),
  ),
  fc.constant(step('clear', (model) => model.harness.manager.clear())),
  pick.map((index) =>
    step(
      `evict(${index})`,
      (model) => {
        const { lease } = chosen(model.holding, index)
        if (lease !== undefined) model.harness.manager.evict(lease.connectionId)
      },
      someHold,
    ),
  ),
  fc
    .boolean()
    .map((suspended) =>
      step(suspended ? 'suspend' : 'resume', (model) => model.suspend(suspended)),
    ),
  fc.integer({ min: 0, max: 9 }).map((luck) =>
    step(
      'close',
      (model) => model.close(),
      (model) => luck === 0 && !model.closing,
    ),
  ),
]

/** The whole property: any history of any pool keeps the invariants. */
export const poolProperty = fc.asyncProperty(
  poolOptions,
  fc.scheduler(),
  fc.commands(commandArbitraries, { maxCommands: 80, size: 'max' }),
  async (options, scheduler, commands) => {
    const model = new PoolModel(options, scheduler)
    await fc.asyncModelRun(() => ({ model, real: model }), commands)
    await model.finish()
  },
)
