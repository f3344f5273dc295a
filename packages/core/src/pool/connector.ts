import { attempt, bounded } from '../bounded.js'
import type { TimerHandle } from '../clock.js'
import type { ConnectionSignal, Driver, Endpoint } from '../driver.js'
import { ConnectTimeoutError, messageOf, toError } from '../errors.js'
import { connectionCreateChannel, traced } from '../events/channels.js'
import type { PoolEnvironment } from './environment.js'
import type { PoolOptions } from './options.js'

const FIRST_RETRY_MS = 25
const LAST_RETRY_MS = 1000
/** Failures in a row after which it takes more than a guess to try again ahead of time. */
const FEW_FAILURES = 4
/** An attempt older than this may be held by a proxy for a server that has gone; if not, to begin anew costs little. */
const STALE_MS = 1000

/** The user's `onConnect` hook refused a connection. */
export class HookRejection extends Error {
  constructor(readonly error: Error) {
    super(messageOf(error))
  }
}

/** An attempt was given up because nobody wants its connection any more. */
export class Abandoned extends Error {}

/**
 * Opens connections: each within its deadline, none ever orphaned, and after failures no faster than the back-off
 * allows.
 */
export class Connector<C extends object> {
  readonly #endpoint: Endpoint
  readonly #driver: Driver<C>
  readonly #options: PoolOptions<C>
  readonly #environment: PoolEnvironment
  /** Attempts under way, and since when. */
  readonly #running = new Map<AbortController, number>()
  readonly #onRetry: () => void
  #failures = 0
  #retryTimer: TimerHandle | undefined
  #lastError: Error | undefined
  #usualMs: number | undefined
  #rampEndsAt = 0
  #rampsNextAt = 0
  /** True while one attempt at a time is enough, as they come to nothing. */
  throttled = false

  constructor(
    endpoint: Endpoint,
    driver: Driver<C>,
    options: PoolOptions<C>,
    environment: PoolEnvironment,
    onRetry: () => void,
  ) {
    this.#endpoint = endpoint
    this.#driver = driver
    this.#options = options
    this.#environment = environment
    this.#onRetry = onRetry
  }

  /** The latest failure, until a connection is of use. */
  get lastError(): Error | undefined {
    return this.#lastError
  }

  /** How long the latest attempt that succeeded took. */
  get usualMs(): number | undefined {
    return this.#usualMs
  }

  /** Whether to make an attempt now. If not, whoever has asked is told when to ask again, or an attempt that ends is a reason to. */
  admits(): boolean {
    const most = this.throttled ? 1 : this.#options.connectConcurrency
    if (this.#retryTimer !== undefined || this.#running.size >= most) return false
    return this.#rampEndsAt === 0 || this.#rampAdmits()
  }

  /**
   * Resolves with a connection that is ready for use.
   *
   * @throws HookRejection if the user's hook refused it, or else the driver's error or ConnectTimeoutError
   */
  async open(onSignal: (signal: ConnectionSignal) => void): Promise<C> {
    const { clock } = this.#environment
    const startedAt = clock.now()
    const controller = new AbortController()
    this.#running.set(controller, startedAt)
    try {
      const connection = await this.#connect(controller, onSignal)
      this.#usualMs = clock.now() - startedAt
      return connection
    } catch (error) {
      if (!(error instanceof HookRejection || error instanceof Abandoned)) {
        this.backOff(toError(error))
      }
      throw error
    } finally {
      this.#running.delete(controller)
    }
  }

  /** Ends the back-off: there is reason to believe that the endpoint is back. */
  retryNow(): void {
    this.#failures = 0
    const now = this.#environment.clock.now()
    const staleMs = Math.max(STALE_MS, 3 * (this.#usualMs ?? 0))
    for (const [controller, startedAt] of this.#running) {
      if (now - startedAt > staleMs)
        controller.abort(new Abandoned('the endpoint is back since it began'))
    }
    this.retrySoon()
  }

  /**
   * Ends the back-off unless many attempts in a row have failed: the endpoint answers over connections that are open,
   * which tells little about new ones.
   */
  retrySoon(): void {
    if (this.#retryTimer === undefined || this.#failures >= FEW_FAILURES) return
    this.#clearTimer()
    this.#onRetry()
  }

  /** A connection has proved to be of use: from now on failures count from the first again. */
  succeeded(): void {
    this.#failures = 0
    this.#lastError = undefined
  }

  /** From now on, for `rampMs`, attempts follow one another at such a pace that the pool is full after it. */
  ramp(): void {
    const now = this.#environment.clock.now()
    this.#rampEndsAt = now + this.#options.rampMs
    this.#rampsNextAt = now
  }

  /** Waits before the next attempt, longer each time. */
  backOff(error: Error): void {
    this.#lastError = error
    const ceiling = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures)
    this.#failures += 1
    this.#retryIn(ceiling * (0.5 + this.#environment.clock.random() / 2))
  }

  /** Gives up every attempt under way. */
  abandon(reason: string): void {
    this.#clearTimer()
    for (const controller of this.#running.keys()) controller.abort(new Abandoned(reason))
  }

  async #connect(
    controller: AbortController,
    onSignal: (signal: ConnectionSignal) => void,
  ): Promise<C> {
    const { connectTimeoutMs, onConnect } = this.#options
    const { signal } = controller
    const about = { endpoint: this.#endpoint, poolName: this.#environment.name }
    const opening = traced(connectionCreateChannel, about, () =>
      attempt(() => this.#driver.connect(this.#endpoint, { signal, onSignal })),
    )
    const prepared = opening.then(async (connection) => {
      // Too late: nobody is left to take it.
      if (signal.aborted) this.#driver.destroy(connection)
      else if (onConnect !== undefined) await this.#prepare(connection, signal, onConnect)
      signal.throwIfAborted()
      return connection
    })
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
    const opened = bounded(
      this.#environment.deadlines,
      connectTimeoutMs,
      Promise.race([prepared, aborted]),
      () => {
        const error = new ConnectTimeoutError(this.#endpoint.id, connectTimeoutMs)
        controller.abort(error)
        return error
      },
    )
    return opened.catch((error: unknown) => {
      // It may have become ready in the very moment in which it was given up.
      prepared.then(
        (connection) => this.#driver.destroy(connection),
        () => {},
      )
      throw error
    })
  }

  /** Runs the user's hook, whose connection does not outlive the attempt, however long the hook takes. */
  async #prepare(
    connection: C,
    signal: AbortSignal,
    onConnect: (connection: C) => Promise<void> | void,
  ): Promise<void> {
    const destroy = (): void => this.#driver.destroy(connection)
    signal.addEventListener('abort', destroy, { once: true })
    try {
      await onConnect(connection)
    } catch (error) {
      if (!signal.aborted) destroy()
      throw new HookRejection(toError(error))
    } finally {
      signal.removeEventListener('abort', destroy)
    }
  }

  #rampAdmits(): boolean {
    const { clock } = this.#environment
    const { rampMs, poolSize, maxOverflow } = this.#options
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
    this.#retryTimer = this.#environment.clock.setTimeout(() => {
      this.#retryTimer = undefined
      this.#onRetry()
    }, delayMs)
  }

  #clearTimer(): void {
    this.#environment.clock.clearTimeout(this.#retryTimer)
    this.#retryTimer = undefined
  }
}
