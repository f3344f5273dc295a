import type { Fingerprint } from '../fingerprint/fingerprints.js'
import type { Unit } from '../n-plus-one/unit.js'
import type { LoopIdle } from './loop-idle.js'
import { NO_PATH, type Path } from './paths.js'

/** A shorter pause is what a program takes from one statement to the next. */
const SHORTEST_AWAITED_MS = 5
/** An event loop may be at work for others for three quarters of the time in which a holder awaits something. */
const PER_LOOP_IDLE = 4

/** A pause in which a connection was held and no statement ran. */
export interface Gap {
  readonly durationMs: number
  readonly after: { readonly fingerprint: Fingerprint; readonly path: Path } | undefined
  readonly inTransaction: boolean
}

/** A transaction that is open on a lease. Times are of the collector's clock. */
export class OpenTransaction {
  readonly id: number
  readonly beganAt: number
  /** Its statements, if it belongs to no request. */
  readonly unit: Unit | undefined
  statements = 0
  runMs = 0

  constructor(id: number, beganAt: number, unit: Unit | undefined) {
    this.id = id
    this.beganAt = beganAt
    this.unit = unit
  }
}

/**
 * A connection in the hands of a caller who acquired it, and what he has done with it. Its fields are set by the constructor,
 * which V8 does faster than to define them.
 */
export class LeaseRecord {
  declare readonly acquiredAt: number
  /** Where it was acquired; where its first statement was called, if that is not known. */
  declare path: Path
  declare processId: number | undefined
  declare statements: number
  /** Statements that were called and have not ended. */
  declare running: number
  declare runMs: number
  /** The latest statement. */
  declare latest: Gap['after']
  declare longest: Gap | undefined
  declare transaction: OpenTransaction | undefined
  /** Of its idle time, what is not its holder's: insights themselves took it, or the processor was busy. */
  declare excusedMs: number
  /** Of its idle time, that in which its holder awaited something. */
  declare awaitedMs: number
  declare private readonly loopIdle: LoopIdle
  declare private idleSince: number
  /** What the event loop had been idle for at the beginning of the latest pause. */
  declare private loopIdleAtStart: number
  /** The same at the end of it; undefined while it lasts, and of one that is too short to matter. */
  declare private loopIdleAtEnd: number | undefined

  constructor(path: Path, loopIdle: LoopIdle, now: number) {
    this.path = path
    this.loopIdle = loopIdle
    this.acquiredAt = now
    this.processId = undefined
    this.statements = 0
    this.running = 0
    this.runMs = 0
    this.latest = undefined
    this.longest = undefined
    this.transaction = undefined
    this.excusedMs = 0
    this.awaitedMs = 0
    this.idleSince = now
    this.loopIdleAtStart = loopIdle.recent(now)
    this.loopIdleAtEnd = undefined
  }

  /** A statement is called for, now. */
  began(now: number): void {
    if (this.running === 0 && now - this.idleSince >= SHORTEST_AWAITED_MS)
      this.loopIdleAtEnd = this.loopIdle.now()
    this.running += 1
  }

  /** A statement has ended, now, that ran from `sentAt` to `endedAt`. */
  ran(fingerprint: Fingerprint, path: Path, sentAt: number, endedAt: number): void {
    this.#pause(sentAt - this.idleSince)
    if (this.path === NO_PATH) this.path = path
    this.statements += 1
    // Statements that were sent together overlap: their time counts once.
    this.runMs += Math.max(0, endedAt - Math.max(sentAt, this.idleSince))
    this.idleSince = Math.max(this.idleSince, endedAt)
    this.loopIdleAtStart = this.loopIdle.recent(endedAt)
    // Until the next statement: those that were sent together leave no pause.
    this.loopIdleAtEnd = undefined
    this.latest = { fingerprint, path }
  }

  /** For how long its holder has awaited something else than a statement. */
  idleMs(now: number): number {
    if (this.running > 0) return 0
    const pauseMs = Math.max(0, now - this.idleSince)
    return awaitedOf(pauseMs, this.loopIdle.now() - this.loopIdleAtStart)
  }

  /** So much time went by that is not its holder's. */
  excuse(durationMs: number): void {
    if (this.running > 0) return
    this.excusedMs += durationMs
    this.idleSince += durationMs
  }

  /** It is returned now. */
  end(now: number): void {
    if (now - this.idleSince < SHORTEST_AWAITED_MS) return
    this.loopIdleAtEnd = this.loopIdle.now()
    this.#pause(now - this.idleSince)
  }

  #pause(pauseMs: number): void {
    if (pauseMs < SHORTEST_AWAITED_MS) return
    const loopIdleMs = (this.loopIdleAtEnd ?? this.loopIdleAtStart) - this.loopIdleAtStart
    const durationMs = awaitedOf(pauseMs, loopIdleMs)
    this.awaitedMs += durationMs
    this.excusedMs += pauseMs - durationMs
    if (durationMs <= (this.longest?.durationMs ?? 0)) return
    this.longest = { durationMs, after: this.latest, inTransaction: this.transaction !== undefined }
  }
}

/** Of a pause, what the holder awaited: not the time in which the processor was busy, or taken away. */
function awaitedOf(pauseMs: number, loopIdleMs: number): number {
  return Math.min(pauseMs, PER_LOOP_IDLE * loopIdleMs)
}
