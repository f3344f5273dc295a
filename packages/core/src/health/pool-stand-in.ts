import { bounded } from '../bounded.js'
import type { Clock } from '../clock.js'
import type { Deadlines } from '../deadlines.js'
import type { FailureKind, ProbeResult } from '../driver.js'
import type { ConnectionPool } from '../pool/connection-pool.js'
import type { StandIn } from './endpoint-prober.js'
import type { ProbeOutcome, SuccessfulProbe } from './prober.js'

export interface PoolStandInContext {
  readonly clock: Clock
  readonly deadlines: Deadlines
  /** Deadline of a question over an idle connection, at the least. */
  readonly answerMs: number
  /** Deadline of a connect that stands for a probe, at the least. */
  readonly loginMs: number
  /**
   * Whether there is no other server: then the first check waits for connects of the pool that are under way, and a
   * question that is not answered at once leaves it to the prober what that means.
   */
  readonly solo: boolean
  /** Whether the server is up as far as is known, so that what was known of it before holds. */
  readonly trusted: () => boolean
  /** What is known of the server. */
  readonly known: () => ProbeResult | undefined
}

/** How a connect of the pool has ended. */
type Connect =
  | { readonly connected: true }
  | { readonly connected: false; readonly kind: FailureKind; readonly error: Error }

/** For so long after a refusal a server counts as short of connections. */
const SHORT_MS = 600_000
const UNKNOWN: ProbeResult = { role: 'unknown', writable: true }

const LATELY_MS = 1000
/** Before a refusal is believed of a server that may be about to close a session. */
const PAUSES_MS = [25, 50, 100]

class Late extends Error {}

/**
 * Checks a server that is short of connections by means of the pool, so that the monitor takes none that a caller waits
 * for: it asks over a connection that is idle; if there is none, a connect of the pool stands for the login of the prober,
 * and whoever comes meanwhile gets its connection.
 *
 * A server is short of them once it has refused one for want of room, to the pool or to the monitor.
 */
export class PoolStandIn<C extends object> implements StandIn {
  readonly #pool: ConnectionPool<C>
  readonly #context: PoolStandInContext
  #refusedAt = Number.NEGATIVE_INFINITY
  #connectedAt = Number.NEGATIVE_INFINITY
  #checked = false
  /** A question over an idle connection was not answered in time. */
  #missed = false
  /** Hears how the next connect of the pool ends. */
  #listener: ((connect: Connect) => void) | undefined

  constructor(pool: ConnectionPool<C>, context: PoolStandInContext) {
    this.#pool = pool
    this.#context = context
  }

  get short(): boolean {
    return this.#context.clock.now() - this.#refusedAt < SHORT_MS
  }

  get applies(): boolean {
    if (this.short) return true
    return this.#context.solo && !this.#checked && this.#pool.counts.connecting > 0
  }

  get ready(): boolean {
    return this.#pool.counts.idle > 0
  }

  get wanting(): boolean {
    const { connecting, waiting } = this.#pool.counts
    return connecting > 0 || waiting > 0
  }

  /** The server has refused a connection for want of room. */
  refused(): void {
    this.#refusedAt = this.#context.clock.now()
  }

  /** A connection of the pool has come about. */
  connected(): void {
    this.#connectedAt = this.#context.clock.now()
    const listener = this.#listener
    this.#listener = undefined
    listener?.({ connected: true })
  }

  /** A connect of the pool has failed. True if a check has waited for that, and tells what follows. */
  connectFailed(kind: FailureKind, error: Error): boolean {
    if (kind === 'busy') this.refused()
    const listener = this.#listener
    this.#listener = undefined
    listener?.({ connected: false, kind, error })
    return listener !== undefined
  }

  async ask(short: boolean): Promise<ProbeOutcome | undefined> {
    const startedAt = this.#context.clock.now()
    if (!short) return this.#waitAtStart(startedAt)
    if (!this.#missed && this.ready) {
      const withinMs = this.#pool.times.answerWithinMs(this.#context.answerMs)
      const said = await this.#within(withinMs, this.#pool.ask())
      if (said !== 'late' && said !== undefined) return this.#answer(startedAt, said)
      this.#missed = said === 'late'
      if (this.#missed && !this.#context.solo) return this.#miss(startedAt, withinMs)
    }
    const connect = await this.#connectInTime(startedAt)
    if (connect === 'late' && !this.#context.solo) return this.#miss(startedAt, this.#loginMs)
    if (connect === undefined || connect === 'late') return undefined
    if (connect.connected) return this.#askOverNew(startedAt)
    const { error, kind } = connect
    const durationMs = this.#context.clock.now() - startedAt
    return { ok: false, durationMs, kind, error, timedOut: false }
  }

  /**
   * Takes in what a check has found. That there is no room for the monitor says nothing against a server whose
   * connections the pool has.
   */
  judge(outcome: ProbeOutcome): ProbeOutcome {
    this.#checked = true
    if (outcome.ok) this.#missed = false
    if (outcome.ok || outcome.kind !== 'busy') return outcome
    this.refused()
    const { counts, role } = this.#pool
    const now = this.#context.clock.now()
    // The place of a connection that was closed just now may be taken a moment longer.
    const lately = now - this.#connectedAt < LATELY_MS
    const { known, solo, trusted } = this.#context
    const serving = trusted() ? counts.total > 0 || lately : solo && counts.total > 0
    // One that has been away, or is in another role, has to say so itself.
    const same = role === 'unknown' || role === (known()?.role ?? role)
    if (!serving || !same) return outcome
    const { durationMs } = outcome
    const askedAt = now - durationMs
    return { ok: true, durationMs, askedAt, fresh: false, result: this.#resultOf({ role }) }
  }

  /** Callers who have come with the manager connect first, and may need all the connections that there are. */
  async #waitAtStart(startedAt: number): Promise<ProbeOutcome | undefined> {
    const { answerMs, clock } = this.#context
    while (this.#pool.counts.connecting > 0 && clock.now() - startedAt < answerMs) {
      const connect = await this.#nextConnect()
      if (connect === 'late' || !connect.connected) break
    }
    return this.short ? this.ask(true) : undefined
  }

  /** A session that has just been closed may hold its place for a moment: callers wait for that as well. */
  async #connectInTime(startedAt: number): Promise<Connect | 'late' | undefined> {
    const { answerMs, clock } = this.#context
    let connect = await this.#connect()
    for (const pauseMs of PAUSES_MS) {
      if (!isRefusal(connect) || this.#pool.counts.total > 0) return connect
      if (clock.now() - startedAt >= answerMs) return connect
      let next: Connect | 'late' | undefined
      if (this.wanting) next = await this.#nextConnect()
      else {
        await new Promise<void>((resolve) => clock.setTimeout(resolve, pauseMs))
        next = await this.#connect()
      }
      if (next === 'late' || next === undefined) return connect
      connect = next
    }
    return connect
  }

  async #connect(): Promise<Connect | 'late' | undefined> {
    const connect = this.#nextConnect()
    if (this.#pool.openAhead()) return connect
    this.#listener = undefined
    return undefined
  }

  async #askOverNew(startedAt: number): Promise<ProbeOutcome | undefined> {
    // None if a caller has it: then it has been let in all the same.
    const idle = this.ready
    const said = idle
      ? await this.#within(this.#loginMs, this.#pool.ask())
      : { role: this.#pool.role }
    this.#pool.closeAhead()
    return said === undefined || said === 'late' ? undefined : this.#answer(startedAt, said)
  }

  #answer(startedAt: number, said: Partial<ProbeResult>): SuccessfulProbe | undefined {
    const known = this.#context.known()
    const { role = 'unknown' } = said
    // Another role changes more than can be told here, and so may an absence.
    const same = role === 'unknown' || known === undefined || known.role === role
    const holds = same && (this.#context.solo || this.#context.trusted())
    if (!holds && said.writable === undefined) return undefined
    const durationMs = this.#context.clock.now() - startedAt
    return {
      ok: true,
      durationMs,
      askedAt: startedAt,
      fresh: false,
      result: this.#resultOf(said),
    }
  }

  #resultOf(said: Partial<ProbeResult>): ProbeResult {
    const known = this.#context.known() ?? UNKNOWN
    const { role = known.role, writable = known.writable, missing } = said
    // Its position has moved on since.
    const { position: _before, ...rest } = known
    const current = { ...rest, writable, role: role === 'unknown' ? known.role : role }
    // The users of the pool may have taken rights from its session that the monitor has.
    if (missing !== undefined && known.missing === undefined && known !== UNKNOWN) return current
    return { ...current, ...said, role: current.role }
  }

  #miss(startedAt: number, withinMs: number): ProbeOutcome {
    return {
      ok: false,
      durationMs: this.#context.clock.now() - startedAt,
      kind: 'unreachable',
      error: new Error(
        `${this.#pool.endpoint.id} did not answer over a connection of the pool within ${withinMs} ms`,
      ),
      timedOut: true,
    }
  }

  async #nextConnect(): Promise<Connect | 'late'> {
    const next = new Promise<Connect>((resolve) => {
      this.#listener = resolve
    })
    const connect = await this.#within(this.#loginMs, next)
    if (connect === 'late') this.#listener = undefined
    return connect
  }

  /** How long a login may take, and a question after it. */
  get #loginMs(): number {
    return this.#pool.times.firstAnswerWithinMs(this.#context.loginMs)
  }

  async #within<T>(withinMs: number, work: Promise<T>): Promise<T | 'late'> {
    try {
      return await bounded(this.#context.deadlines, withinMs, work, () => new Late())
    } catch (error) {
      if (error instanceof Late) return 'late'
      throw error
    }
  }
}

function isRefusal(connect: Connect | 'late' | undefined): boolean {
  return typeof connect === 'object' && !connect.connected && connect.kind === 'busy'
}
