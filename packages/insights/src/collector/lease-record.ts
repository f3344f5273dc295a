import type { Fingerprint } from '../fingerprint/fingerprints.js'
import type { Unit } from '../n-plus-one/unit.js'
import { NO_PATH, type Path } from './paths.js'

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

/** A connection in the hands of a caller who acquired it, and what he has done with it. */
export class LeaseRecord {
  readonly acquiredAt: number
  /** Where it was acquired; where its first statement was called, if that is not known. */
  path: Path
  processId: number | undefined
  statements = 0
  /** Statements that were called and have not ended. */
  running = 0
  runMs = 0
  /** The latest statement. */
  latest: Gap['after']
  longest: Gap | undefined
  transaction: OpenTransaction | undefined
  /** Of its idle time, what insights themselves took. */
  excusedMs = 0
  #idleSince: number

  constructor(path: Path, at: number) {
    this.path = path
    this.acquiredAt = at
    this.#idleSince = at
  }

  /** A statement has ended that ran from `sentAt` to `endedAt`. */
  ran(fingerprint: Fingerprint, path: Path, sentAt: number, endedAt: number): void {
    this.#pause(sentAt - this.#idleSince)
    if (this.path === NO_PATH) this.path = path
    this.statements += 1
    // Statements that were sent together overlap: their time counts once.
    this.runMs += Math.max(0, endedAt - Math.max(sentAt, this.#idleSince))
    this.#idleSince = Math.max(this.#idleSince, endedAt)
    this.latest = { fingerprint, path }
  }

  /** For how long no statement has run. */
  idleMs(now: number): number {
    return this.running > 0 ? 0 : Math.max(0, now - this.#idleSince)
  }

  /** So much time went by that is not its holder's. */
  excuse(durationMs: number): void {
    if (this.running > 0) return
    this.excusedMs += durationMs
    this.#idleSince += durationMs
  }

  /** It is returned now. */
  end(now: number): void {
    this.#pause(now - this.#idleSince)
  }

  #pause(durationMs: number): void {
    if (durationMs <= (this.longest?.durationMs ?? 0)) return
    this.longest = { durationMs, after: this.latest, inTransaction: this.transaction !== undefined }
  }
}
