import type { Target } from '../cluster/states.js'
import type { ConnectionSignal, Driver, Endpoint, ProbeResult, Role } from '../driver/contract.js'
import { askOver, isAnswer, isFatal } from '../driver/contract.js'
import {
  AcquireAbortedError,
  ConnectFailedError,
  PoolClosedError,
  QueueFullError,
  toError,
  UnsupportedError,
  ValidationFailedError,
} from '../errors.js'
import { type AcquireFailedEvent, summarize } from '../events/events.js'
import type { LeakTracking } from '../leaks/leak-detector.js'
import type { LeaseReport } from '../leaks/lease-report.js'
import { leaseAround } from '../leaks/nesting.js'
import type { CapturedStack, FunctionReference } from '../leaks/stack.js'
import { type AnsweredQuestion, ResponseTimes } from '../time/response-times.js'
import { Cleaner, HookRefusal } from './cleaner.js'
import type { BudgetShare } from './connection-budget.js'
import type { ConnectionPool } from './connection-pool.js'
import { Abandoned, Connector, HookFailure } from './connector.js'
import { Drain } from './drain.js'
import { type CloseReason, PoolEntry } from './entry.js'
import type { PoolEnvironment } from './environment.js'
import { Fitness } from './fitness.js'
import type { Lease, LeaseHome } from './lease.js'
import { Leases } from './leases.js'
import { LinkedList } from './linked-list.js'
import type { LeakCounts, PoolCounts, PoolTotals } from './metrics.js'
import type { AcquireOptions, PoolOptions } from './options.js'
import { Pings, PingUnansweredError } from './pings.js'
import { Retirement } from './retirement.js'
import { RoleTrust } from './role-trust.js'
import { Sizing } from './sizing.js'
import { acquireTimeoutError } from './timeout-error.js'
import { type LeaseOwner, nextSequence, Waiter, type WaitPlace, WaitQueue } from './waiter.js'
import { overdueOf, receivedAny } from './watching.js'

/** For so long at the most an idle connection keeps the process running: the idle time-out of a pg.Pool by default. */
const LONGEST_IDLE_HOLD_MS = 10_000

/** Shortest pause between two connections that are opened for probes. */
const AHEAD_PAUSE_MS = 20

type Asker = (answer: Promise<ProbeResult | undefined>) => void

/**
 * The connections of one endpoint. Only this class moves an entry between states:
 *
 *     connecting → idle ⇄ inUse → cleaning → idle
 *                  idle ⇄ testing
 *     any → closed
 *
 * A connection that becomes free goes to the first waiter, or else onto the idle list.
 *
 * What callers, drivers and timers start is a turn of the event emitter, so that its events are delivered when it is
 * over. What other parts of the engine ask for is none: it is part of theirs, and its events wait for the end of that.
 */
export class Pool<C extends object> implements ConnectionPool<C>, LeaseHome<C>, WaitPlace<C> {
  readonly endpoint: Endpoint
  readonly times = new ResponseTimes()
  readonly #driver: Driver<C>
  readonly #options: PoolOptions<C>
  readonly #environment: PoolEnvironment
  readonly #leases: Leases<C>
  readonly #waiters = new WaitQueue<C>(this)
  readonly #sizing: Sizing<C>
  readonly #connector: Connector<C>
  readonly #pings: Pings<C>
  readonly #trust = new RoleTrust()
  readonly #fitness: Fitness<C>
  readonly #cleaner: Cleaner<C>
  readonly #retirement: Retirement<C>
  readonly #drain: Drain
  /** Of a limit that other managers have a share in too. */
  readonly #share: BudgetShare | undefined
  /** Every open connection that is ours. */
  readonly #entries = new Set<PoolEntry<C>>()
  /** Least lately used first. */
  readonly #idle = new LinkedList<PoolEntry<C>>()
  /** Connections on their way. */
  #opening = 0
  /** Place before which none of its callers stands among those of other pools, since an attempt to connect has failed. */
  #earliestPlace = 0
  #suspended = false
  /** As a connection has shown it last. */
  #role: Role = 'unknown'
  /** When a connection was last opened for a probe. */
  #aheadAt = Number.NEGATIVE_INFINITY
  /** Probes that wait for the next connection that is opened or returned. */
  readonly #askers: Asker[] = []

  constructor(
    endpoint: Endpoint,
    driver: Driver<C>,
    options: PoolOptions<C>,
    leaks: LeakTracking<C>,
    environment: PoolEnvironment,
  ) {
    this.endpoint = endpoint
    this.#driver = driver
    this.#options = options
    this.#environment = environment
    this.#sizing = new Sizing(options)
    this.#fitness = new Fitness(driver, options, this.#trust)
    this.#connector = new Connector(endpoint, driver, options, environment, this.times, () =>
      this.#supply(),
    )
    this.#pings = new Pings(driver, options.validateTimeoutMs, environment, this.times)
    this.#leases = new Leases<C>(this, endpoint, leaks, environment)
    this.#cleaner = new Cleaner(endpoint, driver, options, environment)
    this.#retirement = new Retirement(endpoint, driver, options, environment)
    this.#drain = new Drain(environment)
    this.#share = environment.budget?.join({
      name: environment.name,
      firstWaiting: () => this.#placeOf(this.#firstUnserved()),
      waitingBefore: (place, most) => this.#waitingBefore(place, most),
      idleSince: () => this.#idle.first?.idleSince ?? Number.POSITIVE_INFINITY,
      giveUpIdle: () => environment.events.turn(() => this.#giveUpIdle()),
      supply: () => environment.events.turn(() => this.#supply()),
    })
  }

  get size(): number {
    return this.#sizing.poolSize
  }

  get counts(): PoolCounts {
    const total = this.#entries.size
    const idle = this.#idle.size
    const inUse = this.#leases.size
    const testing = this.#pings.size
    return {
      total,
      idle,
      inUse,
      testing,
      cleaning: total - idle - inUse - testing,
      connecting: this.#opening,
      waiting: this.#waiters.size,
      overflow: Math.max(0, total - this.#sizing.poolSize),
      limit: this.#sizing.limit,
    }
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0 && this.#opening === 0 && this.#waiters.size === 0
  }

  get totals(): PoolTotals {
    return this.#leases.totals
  }

  get leakCounts(): LeakCounts {
    return this.#leases.leaks.counts
  }

  get load(): number {
    return this.#leases.size + this.#waiters.size
  }

  get needsCare(): boolean {
    return this.#entries.size > 0 || this.#waiters.size > 0 || this.#sizing.minIdle > 0
  }

  get role(): Role {
    return this.#role
  }

  get leases(): Iterable<Lease<C>> {
    return this.#currentLeases()
  }

  get uselessError(): Error | undefined {
    return this.#entries.size === 0 ? this.#connector.uselessError : undefined
  }

  acquire(options: AcquireOptions, target: Target, below: FunctionReference): Promise<Lease<C>> {
    const refusal = this.#refuse(options)
    if (refusal !== undefined) return refusal
    const { clock, stall } = this.#environment
    const now = clock.now()
    stall.look(now)
    const owner = this.#identify(options, below, now)
    let untested: PoolEntry<C> | undefined
    if (this.#waiters.size === 0 && !this.#suspended) {
      const entry = this.#takeIdle(now)
      if (entry !== undefined) {
        if (!this.#fitness.needsTest(entry, now))
          return Promise.resolve(this.#lend(entry, owner, now, now))
        untested = entry
      }
    }
    if (this.#waiters.size >= this.#options.maxWaiters) return this.#queueIsFull()
    const waiter = this.createWaiter(options, target, below, now, owner)
    this.#waiters.push(waiter)
    if (owner.holding !== undefined) this.#leases.waits(owner)
    if (untested !== undefined) this.#test(untested)
    // When all are lent there is nothing to start: whoever gives one back serves the queue.
    if (this.#entries.size < this.#sizing.limit || this.#idle.size > 0) this.#supply()
    return waiter.promise
  }

  createWaiter(
    options: AcquireOptions,
    target: Target,
    below: FunctionReference,
    now = this.#environment.clock.now(),
    owner = this.#identify(options, below, now),
  ): Waiter<C> {
    const timeoutMs = options.timeoutMs ?? this.#options.acquireTimeoutMs
    return new Waiter(this.#environment.deadlines, target, owner, now, timeoutMs, options.signal)
  }

  enqueue(waiter: Waiter<C>): void {
    this.#waiters.push(waiter)
    if (this.#drain.over) waiter.fail('closed', new PoolClosedError(this.#environment.name))
    else this.#supply()
  }

  extractWaiters(leaves: (waiter: Waiter<C>) => boolean): Waiter<C>[] {
    return this.#waiters.extract(leaves)
  }

  giveUp(timeoutMs: number, errorFor: () => Error): void {
    this.#waiters.giveUp(timeoutMs, errorFor)
  }

  evict(connectionId: number): boolean {
    for (const entry of this.#entries) {
      if (entry.id !== connectionId) continue
      this.#invalidate(entry, 'evicted')
      this.#supply()
      return true
    }
    return false
  }

  clear(reason: string): void {
    this.#fitness.generation += 1
    this.#closeIdle('cleared')
    this.#cleared(reason)
  }

  destroyAll(reason: string): void {
    this.#fitness.generation += 1
    this.#connector.abandon(reason)
    this.#closeAll('lost', new Error(reason))
    this.#cleared(reason)
  }

  destroy(entry: PoolEntry<C>, error: Error): void {
    this.#take(entry, 'query-timeout', error)
    this.#changed()
  }

  suspectAll(): void {
    for (const entry of this.#entries) entry.suspect = true
  }

  distrust(on: boolean): void {
    this.#trust.distrustful = on
  }

  receivedAny(): boolean {
    return receivedAny(this.#entries)
  }

  overdue(since: number, now: number): PoolEntry<C>[] {
    return overdueOf(this.#entries, since, now)
  }

  answered({ askedAt, fresh }: AnsweredQuestion, patienceMs: number): void {
    this.#pings.answered(askedAt - this.times.answerWithinMs(patienceMs))
    if (fresh) this.#connector.overtaken(askedAt)
  }

  ask(): Promise<ProbeResult | undefined> {
    const now = this.#environment.clock.now()
    return this.#environment.events.turn(() => {
      const entry = this.#takeIdle(now)
      return entry === undefined ? Promise.resolve(undefined) : this.#ask(entry)
    })
  }

  askNext(): Promise<ProbeResult | undefined> {
    return this.#environment.events.turn(() => {
      this.#openAhead()
      if (this.#opening === 0) return Promise.resolve(undefined)
      return new Promise<ProbeResult | undefined>((settle) => this.#askers.push(settle))
    })
  }

  closeAhead(): void {
    this.#environment.events.turn(() => {
      for (const entry of this.#idle)
        if (entry.ahead && this.#idle.size > this.#sizing.minIdle) this.#close(entry, 'idle')
      this.#changed()
    })
  }

  expect(role: Role | undefined): void {
    this.#trust.expect(role)
  }

  retryNow(): void {
    this.#connector.retryNow()
  }

  retrySoon(): void {
    this.#connector.retrySoon()
  }

  ramp(): void {
    this.#connector.ramp()
  }

  throttle(on: boolean): void {
    this.#connector.throttled = on
  }

  suspend(): void {
    this.#suspended = true
  }

  resume(): void {
    this.#suspended = false
    this.#supply()
  }

  keepReserve(on: boolean): void {
    this.#sizing.keepReserve(on)
  }

  resize(size: { poolSize?: number; maxOverflow?: number }): void {
    const { poolSize = this.#sizing.poolSize, maxOverflow = this.#sizing.maxOverflow } = size
    this.#sizing.poolSize = poolSize
    this.#sizing.maxOverflow = maxOverflow
    const { events, name } = this.#environment
    events.emit({
      type: 'poolResized',
      pool: name,
      endpoint: this.endpoint.id,
      poolSize,
      maxOverflow,
    })
    for (const entry of this.#idle) {
      if (this.#entries.size <= poolSize) break
      this.#close(entry, 'overflow')
    }
    this.#supply()
  }

  async warmUp(count = this.#sizing.poolSize): Promise<void> {
    const wanted = Math.min(count, this.#sizing.limit)
    // Holding them all at once is what makes them all be opened.
    const leases = await Promise.allSettled(
      Array.from({ length: wanted }, () => this.acquire({ label: 'warmUp' }, 'any', this.warmUp)),
    )
    for (const lease of leases) if (lease.status === 'fulfilled') lease.value.release()
    // These were held for as long as it took to open them all, which tells nothing about the callers to come.
    this.#leases.usualHeldMs = Number.NaN
    const failed = leases.find((lease) => lease.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  maintain(): void {
    if (!this.#closing) this.#environment.events.turn(() => this.#maintain())
  }

  holders(): LeaseReport[] {
    return this.#leases.holders()
  }

  leaked(): LeaseReport[] {
    return this.#leases.leaked()
  }

  windDown(): void {
    if (!this.#drain.windDown()) return
    this.#closeIdle('closed')
    this.#lookWhetherDrained()
  }

  close(drainTimeoutMs: number): Promise<void> {
    this.#environment.events.turn(() => this.windDown())
    return this.#drain.close(() => this.#drainAndClose(drainTimeoutMs))
  }

  returnLease(lease: Lease<C>): void {
    const { clock, stall } = this.#environment
    const now = clock.now()
    // What the borrower has read last may have arrived before a stop of the process.
    stall.look(now)
    if (!this.#leases.end(lease, now)) return
    const { entry } = lease
    entry.uses += 1
    entry.idleSince = now
    const unfit = this.#fitness.unfit(entry, now)
    const condition = this.#driver.inspect(entry.connection)
    if (condition === 'clean' && unfit === undefined && !this.#cleaner.needsReset(entry)) {
      if (this.#askers.length > 0) this.#askFor(this.#askers.splice(0), entry)
      else if (this.#trust.wary || this.#isWanted(entry)) this.#test(entry)
      else this.#offer(entry, now)
    } else if (condition === 'busy' || condition === 'stuck') this.#clean(entry, lease)
    else if (condition === 'broken' || unfit !== undefined || this.#closing) {
      this.#close(entry, condition === 'broken' ? 'lost' : (unfit ?? 'closed'))
      this.#changed()
    } else this.#clean(entry, lease)
    this.#environment.events.deliver()
  }

  destroyLease(lease: Lease<C>, error: unknown): void {
    this.#environment.events.turn(() => {
      if (!this.#leases.end(lease, this.#environment.clock.now())) return
      this.#close(lease.entry, 'destroyed', error === undefined ? undefined : toError(error))
      this.#changed()
    })
  }

  /** @throws UnsupportedError `CONNMGR_UNSUPPORTED` if the connection is the only one that there may be */
  detachLease(lease: Lease<C>): void {
    if (this.#options.exclusive) {
      this.returnLease(lease)
      throw new UnsupportedError(
        "the only connection of a pool with poolMode 'static' cannot be detached; the lease was released instead",
      )
    }
    this.#environment.events.turn(() => {
      if (!this.#leases.end(lease, this.#environment.clock.now())) return
      lease.entry.state = 'detached'
      this.#share?.closing()()
      this.#entries.delete(lease.entry)
      this.#changed()
    })
  }

  releasedTwice(lease: Lease<C>): void {
    this.#environment.events.turn(() => this.#leases.releasedTwice(lease))
  }

  isSuspect(lease: Lease<C>, now: number): boolean {
    this.#environment.stall.look(now)
    return lease.entry.suspect
  }

  fence(lease: Lease<C>): C {
    const { connection } = lease.entry
    return this.#driver.session?.fence(connection, lease) ?? connection
  }

  stackOfUse(below: FunctionReference): CapturedStack | undefined {
    return this.#leases.stackOfUse(below)
  }

  usedAfterEnd(lease: Lease<C>, statement: string | undefined): void {
    this.#environment.events.turn(() => this.#leases.usedAfterEnd(lease, statement))
  }

  timeoutError(waiter: Waiter<C>): Error {
    const { clock, name } = this.#environment
    return acquireTimeoutError({
      pool: name,
      endpoint: this.endpoint.id,
      waitedMs: clock.now() - waiter.enqueuedAt,
      timeoutMs: waiter.timeoutMs,
      counts: this.counts,
      exclusive: this.#options.exclusive,
      holders: this.#leases.longestHolders(),
      heldByItself: leaseAround(waiter.owner.holding)?.id,
      lastConnectError: this.#connector.lastError,
      budget: this.#share?.usedUp,
    })
  }

  waiterFailed(waiter: Waiter<C>, reason: AcquireFailedEvent['reason'], error: Error): void {
    this.#leases.acquireFailed(reason, error, this.#environment.clock.now() - waiter.enqueuedAt)
    if (this.#drain.begun) this.#lookWhetherDrained()
  }

  get #closing(): boolean {
    return this.#drain.begun
  }

  #identify(options: AcquireOptions, below: FunctionReference, now: number): LeaseOwner {
    return this.#leases.identify(options, below, this.load, this.#sizing.limit, now)
  }

  /** Rejects a caller who cannot even be queued; undefined for one who can. */
  #refuse({ signal }: AcquireOptions): Promise<never> | undefined {
    if (this.#drain.refusing)
      return this.#reject('closed', new PoolClosedError(this.#environment.name))
    if (signal?.aborted === true)
      return this.#reject('aborted', new AcquireAbortedError(signal.reason))
    return undefined
  }

  #queueIsFull(): Promise<never> {
    const { maxWaiters } = this.#options
    const { name } = this.#environment
    return this.#reject('queue-full', new QueueFullError(name, maxWaiters, this.counts))
  }

  #reject(reason: AcquireFailedEvent['reason'], error: Error): Promise<never> {
    this.#leases.acquireFailed(reason, error, 0)
    return Promise.reject(error)
  }

  /** Starts as much as the waiters need: idle connections first, then new ones. */
  #supply(): void {
    if (this.#suspended || this.#drain.over) return
    const { clock, stall } = this.#environment
    const now = clock.now()
    stall.look(now)
    while (this.#waiters.size > this.#pings.size) {
      const entry = this.#takeIdle(now)
      if (entry === undefined) break
      if (this.#fitness.needsTest(entry, now)) this.#test(entry)
      else this.#serve(entry, now)
    }
    while (this.#wantsAnother(now) && this.#connector.admits() && this.#mayOpen()) this.#open()
  }

  #wantsAnother(now: number): boolean {
    if (this.#closing && this.#waiters.size === 0) return false
    // Nothing but a connection that is of use tells that they are of use again.
    if (this.uselessError !== undefined && this.#opening === 0) return true
    return this.#sizing.wantsAnother(
      {
        open: this.#entries.size + this.#opening,
        opening: this.#opening,
        testing: this.#pings.size,
        idle: this.#idle,
        inUse: this.#leases.size,
        waiting: this.#waiters.size,
        first: this.#waiters.first,
        usualHeldMs: this.#leases.usualHeldMs,
        usualConnectMs: this.#connector.usualMs,
      },
      now,
    )
  }

  /** Taken from what the pool shares with others, so asked last. */
  #mayOpen(): boolean {
    return this.#share?.take() ?? true
  }

  /** The first waiter whom no connection on its way will serve. */
  #firstUnserved(): Waiter<C> | undefined {
    if (this.#suspended) return undefined
    let waiter = this.#waiters.first
    for (let coming = this.#opening + this.#pings.size; coming > 0; coming -= 1)
      waiter = waiter?.next
    return waiter
  }

  #placeOf(waiter: Waiter<C> | undefined): number {
    return waiter === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(waiter.sequence, this.#earliestPlace)
  }

  #waitingBefore(place: number, most: number): number {
    const spare = this.#sizing.limit - this.#entries.size - this.#opening
    let waiter = this.#firstUnserved()
    let before = 0
    while (before < Math.min(most, spare) && this.#placeOf(waiter) < place) {
      before += 1
      waiter = waiter?.next
    }
    return before
  }

  #giveUpIdle(): void {
    const { first } = this.#idle
    if (first !== undefined) this.#close(first, 'budget')
  }

  /** Opens a connection for a probe, unless one is on its way. A caller who arrives meanwhile gets it. */
  #openAhead(): void {
    if (this.#suspended || this.#closing || this.#opening > 0) return
    // What one leads to may be a reason to look again.
    const now = this.#environment.clock.now()
    if (now - this.#aheadAt < AHEAD_PAUSE_MS) return
    this.#aheadAt = now
    this.#connector.hasten()
    if (this.#opening > 0 || !this.#connector.admits() || !this.#mayOpen()) return
    if (this.#entries.size >= (this.endpoint.capacity ?? Number.POSITIVE_INFINITY)) return
    // Also beyond the limit: should one be lost meanwhile, this is its successor, and else it is closed.
    this.#open(this.#waiters.size === 0 || this.#entries.size >= this.#sizing.limit)
  }

  /** @param ahead whether the connection is for a probe rather than for a waiter */
  #open(ahead = false): void {
    const { clock, events, stall } = this.#environment
    const generation = this.#fitness.generation
    const startedAt = clock.now()
    const { stops } = stall
    let entry: PoolEntry<C> | undefined
    let early: ConnectionSignal | undefined
    const onSignal = (signal: ConnectionSignal): void => {
      if (entry === undefined) early = signal
      else this.#signalled(entry, signal)
    }
    this.#opening += 1
    this.#connector.open(onSignal, ahead).then(
      (connection) =>
        events.turn(() => {
          this.#opening -= 1
          this.#earliestPlace = 0
          entry = this.#adopt(connection, generation, startedAt)
          entry.ahead = ahead
          if (this.#stoppedSince(stops)) entry.suspect = true
          this.#begin(entry, early)
          // Its place among the concurrent connects is free for the next.
          this.#supply()
        }),
      (thrown: unknown) =>
        events.turn(() => {
          this.#opening -= 1
          if (!(thrown instanceof Abandoned)) this.#earliestPlace = nextSequence()
          this.#share?.failed()
          const askers = this.#askers.splice(0)
          // An abandoned attempt says nothing about the server.
          const nothing = thrown instanceof Abandoned
          for (const settle of askers)
            settle(nothing ? Promise.resolve(undefined) : Promise.reject(thrown))
          if (!(thrown instanceof Abandoned))
            this.#openFailed(thrown, clock.now() - startedAt, ahead, askers.length > 0)
          this.#changed()
        }),
    )
  }

  /** Takes a connection that has just been opened into the records. */
  #adopt(connection: C, generation: number, startedAt: number): PoolEntry<C> {
    const now = this.#environment.clock.now()
    const activity = this.#driver.activity?.of(connection)
    const expiresAt = now + this.#fitness.lifetimeMs(this.#environment.clock.random())
    const entry = new PoolEntry(connection, this.endpoint, generation, now, expiresAt, activity)
    entry.suspect = this.#trust.distrustful || this.#trust.wary
    this.#entries.add(entry)
    this.#leases.totals.created += 1
    this.#retirement.opened(entry, now - startedAt)
    this.#environment.observer.connected(this.endpoint)
    return entry
  }

  /** Puts a new connection into service, unless it has come to nothing already. */
  #begin(entry: PoolEntry<C>, early: ConnectionSignal | undefined): void {
    const broken = this.#driver.inspect(entry.connection) === 'broken'
    if ((broken || early?.kind === 'lost') && !this.#drain.over) {
      // The next ones may well end like this one, as fast as the server accepts them.
      const { id } = this.endpoint
      this.#connector.useless(
        early?.error ?? new Error(`a connection to ${id} ended while it was prepared`),
      )
    }
    if (early !== undefined) this.#signalled(entry, early)
    if (broken) this.#close(entry, 'lost')
    const askers = this.#askers.splice(0)
    if (askers.length > 0 && entry.state !== 'closed') this.#askFor(askers, entry)
    else {
      this.#admit(entry)
      for (const settle of askers) settle(Promise.resolve(undefined))
    }
  }

  #askFor(askers: readonly Asker[], entry: PoolEntry<C>): void {
    const answer = this.#ask(entry)
    for (const settle of askers) settle(answer)
  }

  /** Probes the server over a connection, then admits the connection. Without an answer it never settles. */
  #ask(entry: PoolEntry<C>): Promise<ProbeResult> {
    const driver = this.#driver
    return new Promise((resolve, reject) => {
      let settle = (): void => {}
      const question = async (connection: C): Promise<void> => {
        try {
          const answer = await askOver(driver, this.endpoint, connection)
          settle = () => resolve(answer)
        } catch (error) {
          settle = () => reject(error)
          // An error that the server has sent shows that the connection works.
          if (!isAnswer(driver.classify(error))) throw error
        }
      }
      // Settles after the connection has been admitted, because the prober may then close it.
      this.#test(entry, question, () => settle())
    })
  }

  #openFailed(thrown: unknown, durationMs: number, ahead: boolean, asked: boolean): void {
    const { events, name, observer } = this.#environment
    const { id } = this.endpoint
    const error = toError(thrown)
    const byHook = error instanceof HookFailure
    const kind = this.#driver.classify(error)
    if (ahead && kind === 'busy') {
      // The refusal answers the probe, and no caller was waiting for the connection.
      observer.connectFailed(this.endpoint, kind, error, asked)
      return
    }
    events.emit({
      type: 'connectionFailed',
      pool: name,
      endpoint: id,
      reason: byHook ? 'hook' : 'connect',
      durationMs,
      error: summarize(byHook ? error.cause : error),
    })
    if (byHook && !error.late) {
      // One may be an accident, and costs one caller; if the next connection meets the same, so will the others.
      if (this.#connector.uselessError === undefined)
        this.#waiters.first?.fail('connect-failed', error.forCaller())
      else this.#waiters.failAll('connect-failed', () => error.forCaller())
    } else if (!byHook && observer.connectFailed(this.endpoint, kind, error, asked) === 'give-up') {
      this.#waiters.failAll('connect-failed', () => new ConnectFailedError(id, error))
    }
  }

  /** A connection that is new, or has just been tested or cleaned. */
  #admit(entry: PoolEntry<C>): void {
    const { clock, stall } = this.#environment
    const now = clock.now()
    stall.look(now)
    const role = this.#driver.replication?.role(entry.connection) ?? 'unknown'
    if (role !== 'unknown') this.#role = role
    const unfit = this.#drain.over ? 'closed' : this.#fitness.unfit(entry, now)
    if (entry.state === 'closed') this.#changed()
    else if (unfit !== undefined) {
      this.#close(entry, unfit)
      this.#changed()
    } else if (entry.suspect && (entry.state === 'testing' || this.#isWanted(entry)))
      this.#test(entry)
    else if (
      !this.#trust.isWrong(role, entry.role, this.#waiters.first?.target ?? 'primary', now)
    ) {
      entry.role = role
      if (!this.#trust.accept(role, entry.state === 'testing', now)) entry.doomed = 'invalid'
      this.#connector.succeeded(this.#fitness.proofOf(entry))
      this.#offer(entry, now)
    } else if (this.#trust.expected === undefined && entry.role === 'unknown') {
      // Said at connect, and by a pooler in between what it remembers of an earlier server: asked, the server knows.
      entry.role = role
      this.#test(entry)
    } else this.#turnAway(entry, role)
  }

  /** Closes a connection that leads to a server in the wrong role. */
  #turnAway(entry: PoolEntry<C>, role: Role): void {
    const { expected } = this.#trust
    const error = new ValidationFailedError(`expected a ${expected ?? 'primary'}, found a ${role}`)
    this.#close(entry, 'invalid', error)
    if (expected !== undefined || entry.role !== 'primary') {
      this.#connector.backOff(error)
      this.#environment.observer.roleMismatch(this.endpoint, role)
    }
    this.#changed()
  }

  /** Whether a connection that must be tested before it is lent would be lent at once. */
  #isWanted(entry: PoolEntry<C>): boolean {
    return entry.suspect && this.#waiters.size > 0 && !this.#suspended && !this.#drain.over
  }

  /** Whether the process has stood still since: an answer read now may have arrived before that. */
  #stoppedSince(stops: number): boolean {
    const { clock, stall } = this.#environment
    stall.look(clock.now())
    return stall.stops !== stops
  }

  #takeIdle(now: number): PoolEntry<C> | undefined {
    for (;;) {
      const entry = this.#options.idleOrder === 'lifo' ? this.#idle.last : this.#idle.first
      if (entry === undefined) return undefined
      this.#idle.remove(entry)
      const unfit = this.#fitness.unfit(entry, now)
      if (unfit === undefined) return entry
      this.#close(entry, unfit)
    }
  }

  #test(
    entry: PoolEntry<C>,
    question?: (connection: C) => Promise<void>,
    after: () => void = () => {},
  ): void {
    const { clock, events, stall } = this.#environment
    const startedAt = clock.now()
    const { stops } = stall
    entry.state = 'testing'
    this.#pings.send(entry, question).then(
      () =>
        events.turn(() => {
          this.#pings.forget(entry)
          entry.suspect = this.#stoppedSince(stops)
          this.#admit(entry)
          after()
        }),
      (thrown: unknown) =>
        events.turn(() => {
          this.#pings.forget(entry)
          this.#testFailed(entry, startedAt, toError(thrown))
          after()
        }),
    )
  }

  #testFailed(entry: PoolEntry<C>, startedAt: number, error: Error): void {
    const { clock, events, name } = this.#environment
    events.emit({
      type: 'validationFailed',
      pool: name,
      endpoint: this.endpoint.id,
      connectionId: entry.id,
      durationMs: clock.now() - startedAt,
      error: summarize(error),
    })
    this.#close(entry, 'invalid', error)
    if (this.#trust.distrustful && entry.uses === 0) this.#connector.backOff(error)
    // What broke this connection has probably broken the others. Testing them one by one would take longer than
    // callers can wait.
    if (error instanceof PingUnansweredError) {
      for (const other of this.#idle)
        if (other.idleSince <= startedAt) this.#close(other, 'invalid', error)
    }
    this.suspectAll()
    this.#changed()
  }

  /** Gives a usable connection to the first waiter, or keeps it if it belongs to the base, or lets it go. */
  #offer(entry: PoolEntry<C>, now: number): void {
    const waited = this.#waiters.size > 0 && !this.#suspended
    if ((this.#closing && !waited) || this.#entries.size > this.#sizing.limit) {
      this.#close(entry, this.#closing ? 'closed' : 'overflow')
      this.#changed()
    } else if (
      this.#share?.owes(this.#waiters.first?.sequence ?? Number.POSITIVE_INFINITY) === true
    ) {
      this.#close(entry, 'budget')
      this.#changed()
    } else if (waited) this.#serve(entry, now)
    else if (this.#entries.size > this.#sizing.poolSize && !this.#succeeds(now)) {
      this.#close(entry, 'overflow')
    } else {
      entry.state = 'idle'
      this.#idle.push(entry)
      if (this.#options.allowExitOnIdle) this.#holdProcess(entry, false)
    }
  }

  /** Makes room for a new connection by closing the idle one that it was opened to replace. */
  #succeeds(now: number): boolean {
    if (this.#sizing.expiring(this.#idle, now) === 0) return false
    let oldest: PoolEntry<C> | undefined
    for (const entry of this.#idle) {
      if (oldest === undefined || entry.expiresAt < oldest.expiresAt) oldest = entry
    }
    if (oldest !== undefined) this.#close(oldest, 'lifetime')
    return true
  }

  #serve(entry: PoolEntry<C>, now: number): void {
    const waiter = this.#waiters.shift()
    if (waiter === undefined) this.#offer(entry, now)
    else waiter.serve(this.#lend(entry, waiter.owner, waiter.enqueuedAt, now))
  }

  #lend(entry: PoolEntry<C>, owner: LeaseOwner, requestedAt: number, now: number): Lease<C> {
    entry.state = 'inUse'
    entry.ahead = false
    if (!entry.holdsProcess) this.#holdProcess(entry, true)
    return this.#leases.begin(entry, owner, requestedAt, now)
  }

  #holdProcess(entry: PoolEntry<C>, hold: boolean): void {
    entry.holdsProcess = hold
    this.#driver.activity?.holdProcess(entry.connection, hold)
  }

  #clean(entry: PoolEntry<C>, lease: Lease<C>): void {
    const { events } = this.#environment
    entry.state = 'cleaning'
    this.#cleaner.clean(entry, lease).then(
      () => events.turn(() => this.#admit(entry)),
      (thrown: unknown) =>
        events.turn(() => {
          const error = toError(thrown)
          const refused = error instanceof HookRefusal && entry.state !== 'closed'
          // A new connection may be refused as this one was, as fast as callers give them back.
          if (refused && !this.#drain.over) this.#connector.useless(error, true)
          this.#close(entry, refused && error.hook === 'onConnect' ? 'hook' : 'dirty', error)
          this.#changed()
        }),
    )
  }

  #signalled(entry: PoolEntry<C>, signal: ConnectionSignal): void {
    // A driver may signal while it closes the connection: that is no turn of its own.
    if (entry.state === 'closed') return
    this.#environment.events.turn(() => {
      if (entry.state !== 'detached' && isFatal(signal.kind)) this.#inTrouble(entry, signal)
      this.#environment.observer.signalled(this.endpoint, signal)
    })
  }

  #inTrouble(entry: PoolEntry<C>, { error, kind }: ConnectionSignal): void {
    if (kind === 'lost') {
      this.#take(entry, 'lost', error)
      this.#changed()
    } else this.#invalidate(entry, 'lost', error)
    if (kind === 'read-only') this.#trust.writeRefused()
    // One connection in trouble voids the bypass window of all the others.
    this.suspectAll()
  }

  #invalidate(entry: PoolEntry<C>, reason: CloseReason, error?: Error): void {
    if (entry.state === 'idle') this.#close(entry, reason, error)
    else entry.doomed ??= reason
  }

  #closeIdle(reason: CloseReason): void {
    for (const entry of this.#idle) this.#close(entry, reason)
  }

  #closeAll(reason: CloseReason, error?: Error): void {
    for (const entry of this.#entries) this.#take(entry, reason, error)
  }

  /** Closes a connection, also one that a caller has. */
  #take(entry: PoolEntry<C>, reason: CloseReason, error?: Error): void {
    if (entry.lease !== undefined) this.#leases.strikeOff(entry.lease)
    this.#close(entry, reason, error)
  }

  #close(entry: PoolEntry<C>, reason: CloseReason, error?: Error): void {
    if (entry.state === 'closed') return
    entry.state = 'closed'
    this.#idle.remove(entry)
    this.#pings.forget(entry)
    this.#entries.delete(entry)
    this.#leases.totals.closed += 1
    this.#retirement.retire(entry, reason, error, this.#share?.closing())
  }

  #cleared(reason: string): void {
    const { events, name } = this.#environment
    events.emit({ type: 'poolCleared', pool: name, endpoint: this.endpoint.id, reason })
    this.#changed()
  }

  /** A slot has become free, or a connection. */
  #changed(): void {
    this.#supply()
    if (this.#closing) this.#lookWhetherDrained()
  }

  /** While it winds down, connections are opened for waiting callers alone. */
  #lookWhetherDrained(): void {
    if (this.#waiters.size > 0) return
    this.#connector.abandonRunning('the pool is closing')
    if (!this.isEmpty) return
    this.#drain.done()
    this.#environment.observer.drained()
  }

  *#currentLeases(): Generator<Lease<C>, void> {
    for (const { lease } of this.#entries) if (lease !== undefined) yield lease
  }

  #maintain(): void {
    const { idleTimeoutMs } = this.#options
    const { minIdle } = this.#sizing
    if (!this.needsCare) return
    const holdMs = Math.min(idleTimeoutMs, LONGEST_IDLE_HOLD_MS)
    const now = this.#environment.clock.now()
    for (const entry of this.#idle) {
      const reason = this.#fitness.unfit(entry, now)
      if (reason !== undefined) this.#close(entry, reason)
      else if (now - entry.idleSince >= idleTimeoutMs && this.#idle.size > minIdle)
        this.#close(entry, 'idle')
      else if (entry.holdsProcess && now - entry.idleSince >= holdMs)
        this.#holdProcess(entry, false)
    }
    for (const lease of this.#leases.scanForLeaks(this.#sizing.limit))
      this.#take(lease.entry, 'leaked')
    this.#supply()
  }

  async #drainAndClose(drainTimeoutMs: number): Promise<void> {
    const { clock, events, name } = this.#environment
    let stragglers: LeaseReport[] = []
    if (!this.isEmpty) {
      await this.#drain.wait(drainTimeoutMs, () =>
        events.turn(() => {
          stragglers = this.holders()
          this.#drain.over = true
          this.#waiters.failAll('closed', () => new PoolClosedError(name, drainTimeoutMs))
          this.#connector.abandonRunning('the pool is closed')
          this.#closeAll('closed')
        }),
      )
    }
    this.#drain.over = true
    this.#connector.abandon('the pool is closed')
    await this.#retirement.settled()
    this.#share?.leave()
    events.emit({
      type: 'poolClosed',
      pool: name,
      endpoint: this.endpoint.id,
      durationMs: clock.now() - this.#drain.begunAt,
      stragglers,
    })
  }
}
