import type { ManagedEndpoint } from '../cluster/managed-endpoint.js'
import type { Router } from '../cluster/router.js'
import { ConnectFailedError, messageOf } from '../errors.js'
import { summarize } from '../events/event-parts.js'
import type { Runtime } from '../runtime.js'
import type { TimerHandle } from '../time/clock.js'
import { Deadline } from '../time/deadlines.js'
import type { ProbeOutcome } from './probe-outcome.js'

/** After so long it is reported that the server is not there yet. */
const NOTICE_MS = 1000

export interface StartUpTimes {
  /** Infinity if every caller waits for its own deadline. */
  readonly startTimeoutMs: number
  readonly acquireTimeoutMs: number
}

export interface StartUpParts<C extends object> {
  readonly endpoints: readonly ManagedEndpoint<C>[]
  readonly router: Router<C>
}

class StartDeadline extends Deadline {
  constructor(readonly onExpired: () => void) {
    super()
  }
}

/**
 * The time until a manager connects for the first time. A server that was seen once will be back, and is waited for; one
 * that has only ever refused may be the wrong one, so callers get the error before their deadline is over: `startTimeoutMs`
 * after the first of them has come, or by the first failure after that.
 *
 * Silence is no refusal: a login may take its time.
 */
export class StartUp<C extends object> {
  readonly #runtime: Runtime
  readonly #times: StartUpTimes
  readonly #parts: StartUpParts<C>
  readonly #deadline = new StartDeadline(() => this.#expired())
  /** The latest refusal of each endpoint. */
  readonly #refusals = new Map<string, Error>()
  readonly #refusedForGood = new Set<string>()
  #begunAt: number | undefined
  #notice: TimerHandle | undefined
  #noticed = false
  #late = false
  #over = false

  constructor(runtime: Runtime, times: StartUpTimes, parts: StartUpParts<C>) {
    this.#runtime = runtime
    this.#times = times
    this.#parts = parts
  }

  /** True once there was a connection, or there will be none any more. */
  get over(): boolean {
    return this.#over
  }

  /** A caller waits for the first connection. */
  get awaited(): boolean {
    return !this.#over && this.#begunAt !== undefined
  }

  /** A caller has come. */
  begin(): void {
    if (this.#over || this.#begunAt !== undefined) return
    const { startTimeoutMs } = this.#times
    const { background, clock } = this.#runtime
    this.#begunAt = clock.now()
    if (Number.isFinite(startTimeoutMs))
      // Callers keep the process by their own deadlines.
      background.add(this.#deadline, startTimeoutMs, this.#begunAt)
    this.#notice = clock.setTimeout(() => this.#tell(), NOTICE_MS)
  }

  /** True if every endpoint has refused for a reason that only a person can mend. */
  get refusedForGood(): boolean {
    return !this.#over && this.#parts.endpoints.every(({ id }) => this.#refusedForGood.has(id))
  }

  /** What an endpoint has said. */
  refusalOf(endpoint: string): Error | undefined {
    return this.#refusals.get(endpoint)
  }

  /** A probe of an endpoint has ended. */
  probed(endpoint: string, outcome: ProbeOutcome): void {
    if (outcome.ok) {
      // That others log in says nothing of our own credentials.
      if (outcome.elsewhere !== true) this.end()
    } else if (!outcome.timedOut) this.refused(endpoint, outcome.error, outcome.kind === 'setup')
  }

  /** An endpoint has refused a connection. @param forGood whether only a person can mend that */
  refused(endpoint: string, error: Error, forGood: boolean): void {
    if (this.#over) return
    this.#refusals.set(endpoint, error)
    if (forGood) this.#refusedForGood.add(endpoint)
    else this.#refusedForGood.delete(endpoint)
    if (this.#late) this.#giveUp()
    else this.#tell()
  }

  /** An endpoint has answered, or all is over: from now on the deadlines of the callers rule. */
  end(): void {
    if (this.#over) return
    this.#over = true
    this.#refusals.clear()
    this.#deadline.cancel()
    this.#runtime.clock.clearTimeout(this.#notice)
  }

  #expired(): void {
    this.#late = true
    this.#giveUp()
  }

  #giveUp(): void {
    const { endpoints, router } = this.#parts
    const { acquireTimeoutMs, startTimeoutMs } = this.#times
    const ids = endpoints.map((each) => each.id)
    const refusals = ids.map((id) => this.#refusals.get(id))
    const [first] = refusals
    // One that has not answered yet may be the one.
    if (first === undefined || refusals.includes(undefined)) return
    const why =
      ids.length === 1
        ? messageOf(first)
        : ids.map((id) => `${id}: ${messageOf(this.#refusals.get(id))}`).join('; ')
    // Those who have named a deadline of their own go on.
    router.giveUp(
      acquireTimeoutMs,
      () =>
        new ConnectFailedError(
          ids.join(', '),
          first,
          `${why} (it has never been reached, so this took no longer than startTimeoutMs, ${startTimeoutMs} ms)`,
        ),
    )
  }

  /** Tells once that the server is not there yet, and for how long it is still waited for. */
  #tell(): void {
    if (this.#noticed || this.#begunAt === undefined) return
    const { acquireTimeoutMs, startTimeoutMs } = this.#times
    const { clock, events, name } = this.#runtime
    const durationMs = clock.now() - this.#begunAt
    const [refusal] = this.#refusals
    if (refusal === undefined || durationMs < NOTICE_MS) return
    this.#noticed = true
    const [endpoint, error] = refusal
    events.emit({
      type: 'startDelayed',
      pool: name,
      endpoint,
      durationMs,
      remainingMs: Math.max(0, Math.min(startTimeoutMs, acquireTimeoutMs) - durationMs),
      error: summarize(error),
    })
  }
}
