import type { ConnectionSignal } from '../driver/contract.js'
import { ConnectFailedError, ConnectTimeoutError, messageOf, toError } from '../errors.js'
import { connectionCreateChannel, traced } from '../events/channels.js'
import { outside } from '../flow/outside.js'
import { attempt } from '../time/bounded.js'
import type { TimerHandle } from '../time/clock.js'
import { LoginProgress, whileProgressing } from '../time/login-progress.js'
import type { PoolContext } from './environment.js'
import { runHook } from './hook.js'

const FIRST_RETRY_MS = 25
const LAST_RETRY_MS = 1000
/** Failures in a row after which it takes more than a guess to try again ahead of time. */
const FEW_FAILURES = 4
/** So many connections in a row that came about and were of no use are no accident. */
const NO_ACCIDENT = 2
/** An attempt older than this may be held by a proxy for a server that has gone; if not, to begin anew costs little. */
const STALE_MS = 1000

/** The user's `onConnect` failed on a new connection. Its `cause` is what the hook has thrown, or says what it did wrong. */
export class HookFailure extends ConnectFailedError {
  constructor(
    endpoint: string,
    cause: Error,
    /** It had not come to an end in time, and might have with more. */
    readonly late = false,
  ) {
    super(endpoint, cause, `onConnect failed: ${messageOf(cause)}`)
  }

  /** The same for one caller, with an own stack. */
  forCaller(): ConnectFailedError {
    const { cause, endpoint } = this
    return new HookFailure(endpoint, cause as Error)
  }
}

/** What a connection has shown: to be `new` and of use, to be so after a `reset`, or to be alive when it was `tested`. */
export type Proof = 'new' | 'reset' | 'tested'

/** An attempt was given up because nobody wants its connection any more. */
export class Abandoned extends Error {}

/**
 * Opens connections: each within its deadline, none ever orphaned, and after failures no faster than the back-off
 * allows.
 */
export class Connector<C extends object> {
  readonly #context: PoolContext<C>
  /** Attempts under way, and since when. */
  readonly #running = new Map<AbortController, number>()
  readonly #onRetry: () => void
  #failures = 0
  /** Connections in a row that came about and were of no use. */
  #useless = 0
  /** The latest of them had been of use before, and was not after its reset. */
  #uselessAfterReset = false
  #retryTimer: TimerHandle | undefined
  #lastError: Error | undefined
  #usualMs: number | undefined
  #rampEndsAt = 0
  #rampsNextAt = 0
  /** True while one attempt at a time is enough, as they come to nothing. */
  throttled = false

  /** @param onRetry called when an attempt may be made again */
  constructor(context: PoolContext<C>, onRetry: () => void) {
    this.#context = context
    this.#onRetry = onRetry
  }

  /** The latest failure, until a connection is of use. */
  get lastError(): Error | undefined {
    return this.#lastError
  }

  /** Why connections come about and are of no use, one after the other; undefined if they are of use. */
  get uselessError(): Error | undefined {
    return this.#useless >= NO_ACCIDENT ? this.#lastError : undefined
  }

  /** How long the latest attempt that succeeded took. */
  get usualMs(): number | undefined {
    return this.#usualMs
  }

  /** Whether to make an attempt now. If not, whoever has asked is told when to ask again, or an attempt that ends is a reason to. */
  admits(): boolean {
    const most = this.throttled || this.#useless > 0 ? 1 : this.#context.options.connectConcurrency
    if (this.#retryTimer !== undefined || this.#running.size >= most) return false
    return this.#rampEndsAt === 0 || this.#rampAdmits()
  }

  /**
   * Resolves with a connection that is ready for use. Neither its socket nor the user's hook belongs to the flow of whoever
   * has caused it to be opened.
   *
   * @param spare whether no caller waits for it, so that a refusal for want of room causes no back-off
   * @throws HookFailure if the user's hook failed, or else the driver's error or ConnectTimeoutError
   */
  open(onSignal: (signal: ConnectionSignal) => void, spare = false): Promise<C> {
    return outside(() => this.#open(onSignal, spare))
  }

  async #open(onSignal: (signal: ConnectionSignal) => void, spare: boolean): Promise<C> {
    const { clock } = this.#context
    const startedAt = clock.now()
    const cluster = new AbortController()
    this.#running.set(cluster, startedAt)
    try {
      const connection = await this.#connect(cluster, onSignal)
      this.#usualMs = clock.now() - startedAt
      return connection
    } catch (error) {
      if (error instanceof HookFailure) this.useless(error)
      else if (
        !(error instanceof Abandoned || (spare && this.#context.driver.classify(error) === 'busy'))
      )
        this.backOff(toError(error))
      throw error
    } finally {
      this.#running.delete(cluster)
    }
  }

  /** Ends the back-off: there is reason to believe that the endpoint is back. */
  retryNow(): void {
    this.#failures = 0
    this.overtaken(this.#context.clock.now())
    this.retrySoon()
  }

  /** The server has let in a login that was begun at `since`: what was begun long before gets nowhere. */
  overtaken(since: number): void {
    const staleMs = Math.max(STALE_MS, 3 * (this.#usualMs ?? 0), 2 * this.#context.times.loginMs)
    for (const [cluster, startedAt] of this.#running) {
      if (since - startedAt > staleMs)
        cluster.abort(new Abandoned('the endpoint is back since it began'))
    }
  }

  /**
   * Ends the back-off unless many attempts in a row have failed: the endpoint answers over connections that are open,
   * which tells little about new ones.
   */
  retrySoon(): void {
    // That the server answers is known of connections that come about.
    if (this.#retryTimer === undefined || this.#failures >= FEW_FAILURES || this.#useless > 0)
      return
    this.#clearTimer()
    this.#onRetry()
  }

  /** Ends the pause before the next attempt, which counts on: others wait for what it comes to. */
  hasten(): void {
    if (this.#retryTimer === undefined || this.#useless > 0) return
    this.#clearTimer()
    this.#onRetry()
  }

  /** A connection has proved to be of use: from now on failures count from the first again. */
  succeeded(proof: Proof): void {
    this.#failures = 0
    // One that was prepared long ago tells nothing about the next, nor a new one about what comes after a reset.
    if (this.#useless > 0 && (proof === 'tested' || (this.#uselessAfterReset && proof === 'new')))
      return
    this.#useless = 0
    this.#uselessAfterReset = false
    this.#lastError = undefined
  }

  /**
   * A connection came about and was of no use: the user's hook failed on it, or it ended meanwhile. One may be an
   * accident; from the second in a row on waits before the next attempt, longer each time.
   *
   * @param afterReset whether it had been of use, until its reset
   */
  useless(error: Error, afterReset = false): void {
    this.#useless += 1
    this.#uselessAfterReset ||= afterReset
    if (this.#useless >= NO_ACCIDENT) this.#pause(error, this.#useless - NO_ACCIDENT)
    else this.#lastError = error
  }

  /** From now on, for `rampMs`, attempts follow one another at such a pace that the pool is full after it. */
  ramp(): void {
    const now = this.#context.clock.now()
    this.#rampEndsAt = now + this.#context.options.rampMs
    this.#rampsNextAt = now
  }

  /** Waits before the next attempt, longer each time. */
  backOff(error: Error): void {
    this.#pause(error, this.#failures)
    this.#failures += 1
  }

  /** Gives up every attempt, and forgets when the next was due. */
  abandon(reason: string): void {
    this.#clearTimer()
    this.abandonRunning(reason)
  }

  /** Gives up the attempts under way. A pause goes on: callers may come back before it is over. */
  abandonRunning(reason: string): void {
    for (const cluster of this.#running.keys()) cluster.abort(new Abandoned(reason))
  }

  async #connect(
    cluster: AbortController,
    onSignal: (signal: ConnectionSignal) => void,
  ): Promise<C> {
    const { onConnect } = this.#context.options
    const { clock, deadlines, stall } = this.#context
    const { signal } = cluster
    const { longestMs, progress, quietMs } = this.#patience()
    const startedAt = clock.now()
    const stalledBefore = stall.stalledAt(startedAt)
    let preparing = false
    const about = { endpoint: this.#context.endpoint, poolName: this.#context.name }
    const opening = traced(connectionCreateChannel, about, () =>
      attempt(() =>
        this.#context.driver.connect(this.#context.endpoint, {
          signal,
          onSignal,
          watch: progress.watch,
        }),
      ),
    )
    const prepared = opening.then(async (connection) => {
      const now = clock.now()
      this.#context.times.loggedIn(
        Math.max(0, now - startedAt - (stall.stalledAt(now) - stalledBefore)),
      )
      // Too late: nobody is left to take it.
      if (signal.aborted) this.#context.driver.destroy(connection)
      else if (onConnect !== undefined) {
        preparing = true
        await this.#prepare(connection, signal, onConnect)
      }
      signal.throwIfAborted()
      return connection
    })
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
    const opened = whileProgressing(
      deadlines,
      { quietMs, longestMs },
      progress,
      Promise.race([prepared, aborted]),
      (waitedMs) => {
        const { id } = this.#context.endpoint
        const error = preparing
          ? new HookFailure(id, hookTooSlow(id, waitedMs), true)
          : new ConnectTimeoutError(id, waitedMs)
        cluster.abort(error)
        return error
      },
    )
    return opened.catch((error: unknown) => {
      // It may have become ready in the very moment in which it was given up.
      prepared.then(
        (connection) => this.#context.driver.destroy(connection),
        () => {},
      )
      throw error
    })
  }

  /** A login that is slow is left to finish. Nothing comes of waiting on for a hook of the user. */
  #patience(): { quietMs: number; longestMs: number; progress: LoginProgress } {
    const { connectTimeoutMs, onConnect } = this.#context.options
    const quietMs = this.#context.times.loginWithinMs(connectTimeoutMs)
    const longestMs =
      onConnect === undefined ? this.#context.times.longestLoginMs(connectTimeoutMs) : quietMs
    return { quietMs, longestMs, progress: new LoginProgress() }
  }

  /** Runs the user's hook, whose connection does not outlive the attempt, however long the hook takes. */
  async #prepare(
    connection: C,
    signal: AbortSignal,
    onConnect: (connection: C) => Promise<void> | void,
  ): Promise<void> {
    const destroy = (): void => this.#context.driver.destroy(connection)
    signal.addEventListener('abort', destroy, { once: true })
    try {
      await runHook(this.#context.driver, connection, onConnect)
    } catch (error) {
      // A connection that was lost under it is no fault of the hook.
      const lost = this.#context.driver.inspect(connection) === 'broken'
      if (!signal.aborted) destroy()
      throw lost ? error : new HookFailure(this.#context.endpoint.id, toError(error))
    } finally {
      signal.removeEventListener('abort', destroy)
    }
  }

  #pause(error: Error, failures: number): void {
    this.#lastError = error
    const ceiling = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures)
    this.#retryIn(ceiling * (0.5 + this.#context.clock.random() / 2))
  }

  #rampAdmits(): boolean {
    const { clock } = this.#context
    const { rampMs, poolSize, maxOverflow } = this.#context.options
    const now = clock.now()
    if (now >= this.#rampEndsAt) {
      this.#rampEndsAt = 0
      return true
    }
    if (now < this.#rampsNextAt) {
      this.#retryIn(this.#rampsNextAt - now)
      return false
    }
    this.#rampsNextAt = now + (rampMs / (poolSize + maxOverflow)) * (0.5 + clock.random())
    return true
  }

  #retryIn(delayMs: number): void {
    this.#clearTimer()
    this.#retryTimer = this.#context.clock.setTimeout(() => {
      this.#retryTimer = undefined
      this.#onRetry()
    }, delayMs)
  }

  #clearTimer(): void {
    this.#context.clock.clearTimeout(this.#retryTimer)
    this.#retryTimer = undefined
  }
}

function hookTooSlow(endpoint: string, timeoutMs: number): ConnectTimeoutError {
  return new ConnectTimeoutError(
    endpoint,
    timeoutMs,
    `it had not finished when connectTimeoutMs (${timeoutMs} ms) were over, counted from the start of the connect`,
  )
}
