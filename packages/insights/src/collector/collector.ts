import type { QueryContext, QueryObserver } from '@connmgr/core'
import {
  type Clock,
  type EndedLease,
  type FunctionReference,
  type LeaseObserver,
  notedOrigin,
} from '@connmgr/core/driver'
import { type Fingerprint, Fingerprints } from '../fingerprint/fingerprints.js'
import { NPlusOneDetector } from '../n-plus-one/detector.js'
import type { ResolvedOptions } from '../options.js'
import { Leases } from './leases.js'
import { PathHabit } from './path-habit.js'
import { NO_PATH, type Path, Paths } from './paths.js'
import { Running, RunningList } from './running.js'
import { SlowQueries } from './slow-queries.js'
import { StatementTable } from './statement-table.js'

/** Calls of one fingerprint whose way is read in any case, so that a busy statement does not hide a rare one. */
const READ_AT_FIRST = 5

/** Reading the clock of the wall takes as long as all that is counted of a statement. */
const COMPARED_EVERY_MS = 1000

/** Of the texts that plans are asked for. */
const LONGEST_SAMPLE = 4000

/** Reading a stack seldom takes so long; where it does, it is not the time of those who hold connections. */
const NOTICEABLE_MS = 1

/** What tells a collector of the statements and leases of one manager. Each returns the function that ends it. */
export interface ObservedManager {
  observeQueries(observer: QueryObserver): () => void
  observeLeases(observer: LeaseObserver): () => void
}

/** Hears of every statement and every lease of one manager, and keeps what they come to. */
export class Collector {
  readonly #manager: ObservedManager
  readonly #options: ResolvedOptions
  readonly #clock: Clock
  readonly #paths: Paths
  /** Where what is known of a message is kept between its start and its end. */
  readonly #key = Symbol('connmgr.insights')
  #endObserving: readonly (() => void)[] = []
  /** By the function that the caller called: `connect`, `use`, that of an adapter. */
  readonly #acquireHabits = new WeakMap<FunctionReference, PathHabit>()
  /** By how much the clock of the wall is ahead of the monotonic one, and when that was looked up. */
  #wallAhead = 0
  #comparedAt = Number.NEGATIVE_INFINITY
  #fingerprints: Fingerprints | undefined
  /** The statement whose call is running: a lease that is acquired now is for it alone. */
  #calling: Running | undefined
  readonly running = new RunningList()
  readonly detector: NPlusOneDetector | undefined
  readonly leases: Leases
  readonly statements: StatementTable
  readonly slow: SlowQueries
  database: string | undefined
  /** Called when there is a statement on its way, and there was none. */
  onRunning: (() => void) | undefined
  startedAt: number
  count = 0
  errors = 0
  rows = 0
  waitMs = 0
  runMs = 0

  constructor(manager: ObservedManager, options: ResolvedOptions, clock: Clock) {
    this.#manager = manager
    this.#options = options
    this.#clock = clock
    this.startedAt = clock.now()
    this.#paths = new Paths(clock, options.sampleRate)
    const { nPlusOneThreshold } = options
    this.detector = Number.isFinite(nPlusOneThreshold)
      ? new NPlusOneDetector(nPlusOneThreshold, clock)
      : undefined
    this.leases = new Leases(clock, options.heldIdleMs, this.detector)
    this.statements = new StatementTable(options.maxFingerprints)
    this.slow = new SlowQueries(options.slowMs)
    this.resume()
  }

  /** Of a text as it is published; undefined before the first statement. */
  fingerprintOf(text: string): Fingerprint | undefined {
    return this.#fingerprints?.of(text).fingerprint
  }

  resume(): void {
    if (this.#endObserving.length > 0) return
    this.#endObserving = [
      this.#manager.observeQueries({
        started: this.#onStart,
        called: this.#onCalled,
        ended: this.#onEnd,
      }),
      this.#manager.observeLeases({
        acquiring: this.#onAcquire,
        began: this.#onAcquired,
        ended: this.#onRelease,
      }),
    ]
  }

  /** What is on its way is forgotten: its end will not be heard. */
  pause(): void {
    if (this.#endObserving.length === 0) return
    for (const end of this.#endObserving) end()
    this.#endObserving = []
    this.leases.forgetOpen()
    this.running.clear()
    this.#calling = undefined
  }

  clear(): void {
    this.statements.clear()
    this.leases.clear()
    this.slow.clear()
    this.detector?.clear()
    this.startedAt = this.#clock.now()
    this.count = 0
    this.errors = 0
    this.rows = 0
    this.waitMs = 0
    this.runMs = 0
  }

  readonly #onStart = (context: QueryContext): void => {
    if (this.#fingerprints === undefined) {
      this.database = context.database
      this.#fingerprints = new Fingerprints(context.database)
    }
    const { startedAt } = context
    const text = this.#fingerprints.of(context.text)
    const { fingerprint } = text
    const entry = this.statements.entry(fingerprint)
    const running = new Running(context, text, entry)
    if (this.#options.plans && entry.sample === undefined && context.text.length <= LONGEST_SAMPLE)
      entry.sample = context.text
    const lease = this.leases.find(context.lease)
    let wanted =
      (this.#paths.sample(startedAt) && entry.habit.isWorthReading) ||
      (entry.pathsRead < READ_AT_FIRST && this.#paths.extra(startedAt))
    if (lease !== undefined) {
      lease.began(startedAt)
      running.lease = lease
    }
    if (this.detector !== undefined) {
      const counter = this.detector.counter(fingerprint, lease?.transaction?.unit)
      running.counter = counter
      if (counter?.begin(fingerprint, startedAt) === true) wanted = true
    }
    if (wanted && this.#options.sampleRate !== 0) {
      running.path = this.#read(this.#onStart)
      if (running.path !== NO_PATH) {
        entry.came(running.path)
        running.counter?.came(fingerprint, running.path)
      }
    }
    setHeld(context, this.#key, running)
    if (this.running.first === undefined) this.onRunning?.()
    this.running.add(running)
    this.#calling = running
  }

  readonly #onCalled = (): void => {
    this.#calling = undefined
  }

  readonly #onEnd = (context: QueryContext): void => {
    const running = held(context, this.#key)
    if (running === undefined) return
    this.running.remove(running)
    const { counter, entry, lease, text } = running
    const { error, rowCount = 0, runMs = 0, startedAt, waitMs = 0 } = context
    this.count += 1
    this.rows += rowCount
    this.waitMs += waitMs
    this.runMs += runMs
    if (error !== undefined) this.errors += 1
    this.statements.add(
      entry,
      running.likelyPath,
      {
        waitMs,
        runMs,
        rows: rowCount,
        failed: error !== undefined,
        prepared: context.prepared === true,
        inTransaction: context.transaction !== undefined,
        literals: text.literals > 0,
        listedNumbers: text.listedNumbers > 0,
        tags: text.tags,
      },
      this.#wallTimeAt(startedAt + waitMs + runMs),
    )
    counter?.end(text.fingerprint, running.likelyPath, {
      rows: rowCount,
      runMs,
      at: startedAt + waitMs + runMs,
      failed: error !== undefined,
    })
    if (lease !== undefined) lease.running -= 1
    // One that a statement has acquired for itself, but not at once.
    running.lease ??= this.leases.find(context.lease)
    this.leases.ran(running)
    if (runMs >= this.#options.slowMs) this.slow.add(running, runMs, this.#clock.wallTime())
  }

  readonly #onAcquire = (below: FunctionReference): Path | undefined => {
    // A statement that acquires a connection for itself alone holds it no longer than it runs.
    if (this.#calling !== undefined) return undefined
    const habit = this.#habitOf(below)
    const wanted =
      this.#options.sampleRate !== 0 &&
      this.#paths.sample(this.#clock.now()) &&
      habit.isWorthReading
    if (!wanted) return NO_PATH
    const path = this.#read(this.#onAcquire)
    habit.came(path)
    return path
  }

  readonly #onAcquired = (lease: number, path: unknown): void => {
    this.leases.acquired(lease, path as Path)
  }

  readonly #onRelease = (lease: EndedLease, heldMs: number): void => {
    this.leases.released(lease, heldMs)
  }

  #habitOf(below: FunctionReference): PathHabit {
    let habit = this.#acquireHabits.get(below)
    if (habit === undefined) {
      habit = new PathHabit()
      this.#acquireHabits.set(below, habit)
    }
    return habit
  }

  /** @param at on the monotonic clock */
  #wallTimeAt(at: number): number {
    if (!(at - this.#comparedAt < COMPARED_EVERY_MS)) {
      this.#comparedAt = at
      this.#wallAhead = this.#clock.wallTime() - this.#clock.now()
    }
    return this.#wallAhead + at
  }

  #read(below: FunctionReference): Path {
    const before = this.#clock.now()
    const path = this.#paths.read(below, notedOrigin())
    const durationMs = this.#clock.now() - before
    // The first look into a source map takes long.
    if (durationMs > NOTICEABLE_MS) this.leases.excuse(durationMs)
    return path
  }
}

function setHeld(context: object, key: symbol, running: Running): void {
  ;(context as Record<symbol, unknown>)[key] = running
}

function held(context: object, key: symbol): Running | undefined {
  return (context as Record<symbol, unknown>)[key] as Running | undefined
}
