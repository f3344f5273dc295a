import type { FailureKind } from '../driver/failure-kind.js'
import type { Probe, ProbeResult } from '../driver/replication.js'
import type { ConnectionPool } from '../pool/connection-pool.js'
import type { Runtime } from '../runtime.js'
import type { StandIn } from './endpoint-prober.js'
import { PooledProbe } from './pooled-probe.js'
import type { ProbeOutcome } from './probe-outcome.js'

/** What is known of a server besides its pool. */
export interface ServerKnowledge {
  /** Whether there is no other server: then the first check lets connects of the pool go first. */
  readonly solo: boolean
  /** The most connections that the server bears at once; undefined if that is not known. */
  readonly capacity: number | undefined
  /** For so long it does so. */
  readonly patienceMs: number
  /** Whether the server is up as far as is known, so that what was known of it before holds. */
  readonly trusted: () => boolean
  /** What is known of the server. */
  readonly known: () => ProbeResult | undefined
  readonly classify: (error: unknown) => FailureKind
}

/** For so long after a refusal a server counts as short of connections. */
const SHORT_MS = 600_000
/** The place of a connection that was closed just now may be taken a moment longer. */
const LATELY_MS = 1000
/** For so long a connection that the pool opens is waited for, where one of its own would do. */
const SOON_MS = 250
/** Before a refusal is believed of a server that may be about to close a session. */
const PAUSES_MS = [25, 50, 100]
const UNKNOWN: ProbeResult = { role: 'unknown', writable: true }

/**
 * Probes a server that is short of connections over the connections of its pool, so that the monitor never takes a
 * connection that a caller waits for. It uses an idle connection, or else the next one that the pool opens, before the pool
 * lends it. Without waiting callers the pool opens a connection for the probe; a caller who arrives meanwhile gets it.
 *
 * A server counts as short of connections after it has refused one for want of room, to the pool or to the monitor.
 */
export class PoolStandIn<C extends object> implements StandIn {
  readonly #runtime: Runtime
  readonly #pool: ConnectionPool<C>
  readonly #server: ServerKnowledge
  shortUntil = Number.NEGATIVE_INFINITY
  #connectedAt = Number.NEGATIVE_INFINITY
  #checked = false
  /** Questions that wait for a connect of the pool to end. */
  readonly #waiting: (() => void)[] = []

  constructor(runtime: Runtime, pool: ConnectionPool<C>, server: ServerKnowledge) {
    this.#runtime = runtime
    this.#pool = pool
    this.#server = server
  }

  /** Whether the server has few connections by its nature, or has refused one for want of room of late. */
  get short(): boolean {
    return this.#server.capacity !== undefined || this.#runtime.clock.now() < this.shortUntil
  }

  /** How well it can probe without a further connection: higher is better, 0 is not at all. */
  get means(): number {
    const { connecting, idle, waiting } = this.#pool.counts
    if (idle > 0) return 3
    if (connecting > 0 || waiting > 0) return 2
    return this.#pool.isEmpty ? 0 : 1
  }

  learn(shortUntil: number): void {
    this.shortUntil = Math.max(this.shortUntil, shortUntil)
  }

  /** The server has refused a connection for want of room. */
  refused(): void {
    this.shortUntil = this.#runtime.clock.now() + SHORT_MS
  }

  /** A connection of the pool has come about. */
  connected(): void {
    this.#connectedAt = this.#runtime.clock.now()
    this.#wake()
  }

  /** A connect of the pool has failed. */
  connectFailed(kind: FailureKind): void {
    if (kind === 'busy') this.refused()
    this.#wake()
  }

  /** Returns a probe over an idle connection; undefined without one, or while the server is not short of connections. */
  borrow(): Probe | undefined {
    if (!this.short || this.#pool.counts.idle === 0) return undefined
    const check = async (): Promise<ProbeResult> => {
      const answer = await this.#pool.probes.overIdle()
      if (answer === undefined || this.#doubts(answer))
        throw new Error('no connection of the pool can tell')
      return answer
    }
    return new PooledProbe(check, () => {})
  }

  /**
   * Opens a probe over the next connection of the pool, or over its own where the pool cannot tell.
   *
   * @param openOwn opens a connection beside the pool
   */
  async open(openOwn: () => Promise<Probe>, signal: AbortSignal): Promise<Probe> {
    if (!this.short && this.#server.solo) {
      if (!this.#checked) await this.#connects(signal)
      else if (this.#pool.counts.connecting > 0) {
        const answer = await this.#answerOfConnecting()
        if (answer !== undefined && !this.#doubts(answer)) return probeOf(answer)
      }
    }
    if (!this.short) return openOwn()
    const answer = await this.#answerOfNext(signal)
    if (answer === undefined) {
      const full = this.#pool.counts.total >= (this.#server.capacity ?? Number.POSITIVE_INFINITY)
      // If all that there can be are in use, nothing speaks against them.
      return full ? probeOf(this.#known()) : openOwn()
    }
    const closeAhead = (): void => this.#pool.probes.closeUnused()
    if (!this.#doubts(answer)) return probeOf(answer, closeAhead)
    return openOwn().finally(closeAhead)
  }

  /**
   * Reconciles the outcome of a check with the pool: a server that refuses the monitor for want of room is healthy while
   * the pool has connections to it.
   */
  judge(outcome: ProbeOutcome): ProbeOutcome {
    this.#checked = true
    if (outcome.ok || outcome.kind !== 'busy') return outcome
    this.refused()
    const { known, solo, trusted } = this.#server
    const { counts } = this.#pool
    const { role } = this.#pool.server
    const now = this.#runtime.clock.now()
    const lately = now - this.#connectedAt < LATELY_MS
    const serving = trusted() ? counts.total > 0 || lately : solo && counts.total > 0
    const before = known()
    // After an absence or a change of role only an answer of the server itself counts.
    if (!serving || (role !== 'unknown' && role !== (before?.role ?? role))) return outcome
    const { durationMs } = outcome
    return {
      ok: true,
      refused: true,
      durationMs,
      askedAt: now - durationMs,
      fresh: false,
      result: this.#known(),
    }
  }

  /** What was known before, without the position, which has moved on since. */
  #known(): ProbeResult {
    const { role } = this.#pool.server
    return { ...(this.#server.known() ?? { ...UNKNOWN, role }), position: undefined }
  }

  /** Users of the pool may have dropped rights of its session, so that it tells less than a session of the monitor. */
  #doubts({ missing }: ProbeResult): boolean {
    return missing !== undefined && this.#server.known()?.missing === undefined
  }

  /**
   * Asks over a connection that the pool is opening: after all were lost a login of the monitor would hold up those for
   * callers. Resolves with undefined if none comes about soon: that one fails, as by a hook of the user, says less of the server
   * than a login of the monitor.
   */
  #answerOfConnecting(): Promise<ProbeResult | undefined> {
    const { clock } = this.#runtime
    return new Promise((resolve) => {
      const timer = clock.setTimeout(() => resolve(undefined), SOON_MS)
      this.#pool.probes
        .overNext()
        .then(resolve, () => resolve(undefined))
        .finally(() => clock.clearTimeout(timer))
    })
  }

  /**
   * Asks over the next connection of the pool; resolves with undefined if the pool opens none. Retries a refusal for a
   * moment, because a session that has just been closed still holds its slot.
   */
  async #answerOfNext(signal: AbortSignal): Promise<ProbeResult | undefined> {
    for (const pauseMs of PAUSES_MS) {
      try {
        return await this.#pool.probes.overNext()
      } catch (error) {
        const refused = this.#server.classify(error) === 'busy'
        if (!refused || this.#pool.counts.total > 0 || signal.aborted) throw error
      }
      await this.#pause(pauseMs)
    }
    return this.#pool.probes.overNext()
  }

  /** Lets callers who arrived with the manager connect first: they may need every connection that the server has. */
  async #connects(signal: AbortSignal): Promise<void> {
    const { patienceMs } = this.#server
    const { clock } = this.#runtime
    const until = clock.now() + patienceMs
    while (this.#pool.counts.connecting > 0 && !this.short && !signal.aborted) {
      const leftMs = until - clock.now()
      if (leftMs <= 0) return
      await new Promise<void>((resolve) => {
        const timer = clock.setTimeout(resolve, leftMs)
        this.#waiting.push(() => {
          clock.clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#runtime.clock.setTimeout(resolve, ms))
  }

  #wake(): void {
    for (const each of this.#waiting.splice(0)) each()
  }
}

/** A probe that has its answer already. */
function probeOf(answer: ProbeResult, close: () => void = () => {}): Probe {
  return new PooledProbe(() => Promise.resolve(answer), close)
}
