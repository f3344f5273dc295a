import diagnostics from 'node:diagnostics_channel'
import type { QueryContext } from '@connmgr/core'
import { type Clock, type FunctionReference, notedOrigin } from '@connmgr/core/driver'
import { type Fingerprint, Fingerprints } from '../fingerprint/fingerprints.js'
import { NPlusOneDetector } from '../n-plus-one/detector.js'
import type { ResolvedOptions } from '../options.js'
import { Leases } from './leases.js'
import { NO_PATH, type Path, Paths } from './paths.js'
import { Running, RunningList } from './running.js'
import { SlowQueries } from './slow-queries.js'
import { StatementTable } from './statement-table.js'

/** Calls of one fingerprint whose way is read in any case, so that a busy statement does not hide a rare one. */
const READ_AT_FIRST = 5

/** Of the texts that plans are asked for. */
const LONGEST_SAMPLE = 4000

/** Reading a stack seldom takes so long; where it does, it is not the time of those who hold connections. */
const NOTICEABLE_MS = 1

const queries = diagnostics.tracingChannel<string, QueryContext>('connmgr:query')
const acquires = diagnostics.tracingChannel<string, AcquireMessage>('connmgr:pool:acquire')
const releases = diagnostics.channel('connmgr:pool:release')

interface AcquireMessage {
  readonly manager?: number
  readonly lease?: number
}

interface ReleaseMessage extends AcquireMessage {
  readonly durationMs?: number
  readonly longLived?: boolean
}

type Subscriber = (message: unknown) => void

/** Hears of every statement and every lease of one manager, and keeps what they come to. */
export class Collector {
  readonly #manager: number
  readonly #options: ResolvedOptions
  readonly #clock: Clock
  readonly #paths: Paths
  /** Where what is known of a message is kept between its start and its end. */
  readonly #key = Symbol('connmgr.insights')
  readonly #subscriptions: readonly (readonly [diagnostics.Channel, Subscriber])[]
  #fingerprints: Fingerprints | undefined
  /** The statement whose call is running: a lease that is acquired now is for it alone. */
  #calling: Running | undefined
  #listening = false
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

  /** @param manager its id */
  constructor(manager: number, options: ResolvedOptions, clock: Clock) {
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
    this.#subscriptions = [
      [queries.start, this.#onStart],
      [queries.end, this.#onCalled],
      [queries.asyncEnd, this.#onEnd],
      [acquires.start, this.#onAcquire],
      [acquires.asyncEnd, this.#onAcquired],
      [releases, this.#onRelease],
    ] as (readonly [diagnostics.Channel, Subscriber])[]
    this.resume()
  }

  /** Of a text as it is published; undefined before the first statement. */
  fingerprintOf(text: string): Fingerprint | undefined {
    return this.#fingerprints?.of(text).fingerprint
  }

  resume(): void {
    if (this.#listening) return
    this.#listening = true
    for (const [channel, subscriber] of this.#subscriptions) channel.subscribe(subscriber)
  }

  /** What is on its way is forgotten: its end will not be heard. */
  pause(): void {
    if (!this.#listening) return
    this.#listening = false
    for (const [channel, subscriber] of this.#subscriptions) channel.unsubscribe(subscriber)
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

  readonly #onStart = (message: unknown): void => {
    const context = message as QueryContext
    if (context.manager !== this.#manager) return
    if (this.#fingerprints === undefined) {
      this.database = context.database
      this.#fingerprints = new Fingerprints(context.database)
    }
    const text = this.#fingerprints.of(context.text)
    const { fingerprint } = text
    const entry = this.statements.entry(fingerprint)
    const running = new Running(context, text, entry)
    if (this.#options.plans && entry.sample === undefined && context.text.length <= LONGEST_SAMPLE)
      entry.sample = context.text
    const lease = this.leases.find(context.lease)
    let wanted =
      (this.#paths.sample() && entry.isWorthReading) ||
      (entry.pathsRead < READ_AT_FIRST && this.#paths.extra())
    if (lease !== undefined) {
      lease.began()
      running.lease = lease
    }
    if (this.detector !== undefined) {
      const counter = this.detector.counter(fingerprint, lease?.transaction?.unit)
      running.counter = counter
      if (counter?.begin(fingerprint, context.startedAt) === true) wanted = true
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

  readonly #onEnd = (message: unknown): void => {
    const context = message as QueryContext
    if (context.manager !== this.#manager) return
    const running = held<Running>(context, this.#key)
    if (running === undefined) return
    this.running.remove(running)
    const { counter, entry, lease, text } = running
    const { error, rowCount = 0, runMs = 0, waitMs = 0 } = context
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
        tags: text.tags,
      },
      this.#clock.wallTime(),
    )
    counter?.end(
      text.fingerprint,
      running.likelyPath,
      runMs,
      rowCount,
      context.startedAt + waitMs + runMs,
    )
    if (lease !== undefined) lease.running -= 1
    // One that a statement has acquired for itself, but not at once.
    running.lease ??= this.leases.find(context.lease)
    this.leases.ran(running)
    if (runMs >= this.#options.slowMs) this.slow.add(running, runMs, this.#clock.wallTime())
  }

  readonly #onAcquire = (message: unknown): void => {
    const context = message as AcquireMessage
    // A statement that acquires a connection for itself alone holds it no longer than it runs.
    if (context.manager !== this.#manager || this.#calling !== undefined) return
    const wanted = this.#options.sampleRate !== 0 && this.#paths.sample()
    setHeld(context, this.#key, wanted ? this.#read(this.#onAcquire) : NO_PATH)
  }

  readonly #onAcquired = (message: unknown): void => {
    const context = message as AcquireMessage
    const path = held<Path>(context, this.#key)
    if (path !== undefined && context.lease !== undefined) this.leases.acquired(context.lease, path)
  }

  readonly #onRelease = (message: unknown): void => {
    const { durationMs, lease, longLived, manager } = message as ReleaseMessage
    if (manager !== this.#manager || lease === undefined) return
    this.leases.released(lease, durationMs ?? 0, longLived === true)
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

function setHeld(context: object, key: symbol, value: unknown): void {
  ;(context as Record<symbol, unknown>)[key] = value
}

function held<T>(context: object, key: symbol): T | undefined {
  return (context as Record<symbol, unknown>)[key] as T | undefined
}
