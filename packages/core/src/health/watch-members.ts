import type { ConnectionSignal } from '../driver/contract.js'
import type { Clock } from '../time/clock.js'
import type { Attendant, EndpointProber } from './endpoint-prober.js'
import type { ProbeOutcome } from './probe-outcome.js'

/** How the answers of a server come to those who share it. */
export interface ProberCallbacks {
  readonly onLateAnswer: () => void
  readonly onSignal: (signal: ConnectionSignal) => void
}

/** A manager's part in the watch of a server. */
export interface WatchMember {
  /** The database that it logs in to. */
  readonly database: string
  /** Undefined while it only asks, and does not want to hear of what others ask. */
  readonly attendant: Attendant | undefined
  /** Asks the server over a connection to this member's database. */
  createProber(callbacks: ProberCallbacks): EndpointProber
  onSignal(signal: ConnectionSignal): void
  /** Whether a failed login concerns the database alone, and not the server. */
  isOfDatabase(error: unknown): boolean
  /** The server refuses this member's database: it is to watch on its own from now on. */
  onSeparated(outcome: ProbeOutcome): void
}

interface QuietWishes {
  readonly at: number
  /** Pause until the next probe. */
  readonly paceMs: number
  readonly keepSession: boolean
}

/** So many members hear of every probe, whether they need to or not. */
const FEW = 16
/** Of more, those that are quiet hear as often as this that nothing has changed. */
const QUIET_MS = 10_000

/**
 * The managers that watch a server together, and what they want of its probes. That nothing has changed is all that most
 * probes find: among many managers those that have no connection hear of it now and then, in turn, so that a thousand idle
 * ones cost no more than a few.
 */
export class WatchMembers {
  readonly #clock: Clock
  /** Members that hear of every probe. */
  readonly #awake = new Set<WatchMember>()
  /** Members that nothing depends on, the one first that has received nothing for the longest time. */
  readonly #quiet = new Set<WatchMember>()
  /** What the quiet ones want, as of some time. */
  #quietWishes: QuietWishes | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(member: WatchMember): void {
    this.#awake.add(member)
  }

  /** False if it was none. */
  remove(member: WatchMember): boolean {
    this.wake(member)
    return this.#awake.delete(member)
  }

  has(member: WatchMember): boolean {
    return this.#awake.has(member) || this.#quiet.has(member)
  }

  get size(): number {
    return this.#awake.size + this.#quiet.size
  }

  get all(): WatchMember[] {
    return [...this.#quiet, ...this.#awake]
  }

  get awake(): Iterable<WatchMember> {
    return this.#awake
  }

  /** Those that hear that nothing has changed, `passedMs` after the probe before: of the quiet ones some, if they are many. */
  inTurn(passedMs: number): WatchMember[] {
    if (this.#quiet.size <= FEW) return this.all
    const audience = [...this.#awake]
    let turns = Math.ceil((this.#quiet.size * passedMs) / QUIET_MS)
    for (const each of this.#quiet) {
      if (turns <= 0) break
      turns -= 1
      audience.push(each)
    }
    return audience
  }

  /** Lets it hear of every probe again. */
  wake(member: WatchMember): void {
    if (!this.#quiet.delete(member)) return
    this.#quietWishes = undefined
    this.#awake.add(member)
  }

  /** Counts a member among those to whom it belongs now that it has received the latest. */
  settle(member: WatchMember): void {
    if (!this.has(member)) return
    if (member.attendant?.isQuiet() === false) {
      this.wake(member)
      return
    }
    if (this.#awake.delete(member)) this.#quietWishes = undefined
    // Its next turn comes after those of all others.
    this.#quiet.delete(member)
    this.#quiet.add(member)
  }

  /** Whether any member wants the server watched. */
  get attend(): boolean {
    for (const members of [this.#awake, this.#quiet])
      for (const { attendant } of members) if (attendant !== undefined) return true
    return false
  }

  /** Whether a member knows that the server is short of connections. */
  get short(): boolean {
    const now = this.#clock.now()
    // A member that knows it is never quiet.
    for (const { attendant } of this.#awake)
      if (attendant !== undefined && now < attendant.standIn.shortUntil) return true
    return false
  }

  /** Whether a member wants the session kept until the next probe. */
  get keepSession(): boolean {
    for (const { attendant } of this.#awake) if (attendant?.keepsSession() === true) return true
    return this.#wishesOfQuiet(this.#clock.now()).keepSession
  }

  /** Pause until the next probe: the shortest that any member wants. */
  get paceMs(): number {
    let { paceMs } = this.#wishesOfQuiet(this.#clock.now())
    for (const { attendant } of this.#awake)
      if (attendant !== undefined) paceMs = Math.min(paceMs, attendant.paceMs())
    return paceMs
  }

  /** Cached, because a change of a member's wishes also wakes it. */
  #wishesOfQuiet(now: number): QuietWishes {
    const known = this.#quietWishes
    if (known !== undefined && now - known.at < QUIET_MS) return known
    let paceMs = Number.POSITIVE_INFINITY
    let keepSession = false
    for (const { attendant } of this.#quiet) {
      if (attendant === undefined) continue
      paceMs = Math.min(paceMs, attendant.paceMs())
      keepSession ||= attendant.keepsSession()
    }
    this.#quietWishes = { at: now, keepSession, paceMs }
    return this.#quietWishes
  }
}
