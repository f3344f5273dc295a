import type { ConnectionSignal } from '../driver/contract.js'
import { ConnectFailedError, ConnectTimeoutError, messageOf, toError } from '../errors.js'
import { connectionCreateChannel, traced } from '../events/channels.js'
import { outside } from '../flow/outside.js'
import { attempt } from '../time/bounded.js'
import { LoginProgress, whileProgressing } from '../time/login-progress.js'
import type { ConnectPace } from './connect-pace.js'
import type { PoolContext } from './context.js'
import { runHook } from './hook.js'

/** An attempt older than this may be held by a proxy for a server that has gone. If not, beginning anew costs little. */
const STALE_MS = 1000

/** The user's `onConnect` failed on a new connection. The `cause` is its error, or says what it did wrong. */
export class HookFailure extends ConnectFailedError {
  constructor(
    endpoint: string,
    cause: Error,
    /** The hook ran out of time, and might succeed with more. */
    readonly late = false,
  ) {
    super(endpoint, cause, `onConnect failed: ${messageOf(cause)}`)
  }

  /** The same for one caller, with a stack of its own. */
  forCaller(): ConnectFailedError {
    const { cause, endpoint } = this
    return new HookFailure(endpoint, cause as Error)
  }
}

/** An attempt was given up because its connection is not wanted any more. */
export class Abandoned extends Error {}

/** Opens connections: each within its deadline, none ever orphaned, and no faster than the pace allows. */
export class Connector<C extends object> {
  readonly #context: PoolContext<C>
  /** Attempts under way, and since when. */
  readonly #running = new Map<AbortController, number>()
  readonly #pace: ConnectPace<C>
  #usualMs: number | undefined

  constructor(context: PoolContext<C>, pace: ConnectPace<C>) {
    this.#context = context
    this.#pace = pace
  }

  /** Duration of the latest attempt that succeeded, in milliseconds. */
  get usualMs(): number | undefined {
    return this.#usualMs
  }

  /** Whether to make an attempt now. */
  admits(): boolean {
    return this.#pace.admits(this.#running.size)
  }

  /**
   * Resolves with a connection that is ready for use. Neither its socket nor the user's hook belongs to the flow of the
   * caller for whom it is opened.
   *
   * @param spare whether no caller waits for it, so that a refusal for want of room causes no back-off
   * @throws HookFailure if the user's hook failed, or else the driver's error or ConnectTimeoutError
   */
  open(onSignal: (signal: ConnectionSignal) => void, spare = false): Promise<C> {
    return outside(() => this.#open(onSignal, spare))
  }

  async #open(onSignal: (signal: ConnectionSignal) => void, spare: boolean): Promise<C> {
    const { clock } = this.#context.runtime
    const startedAt = clock.now()
    const cluster = new AbortController()
    this.#running.set(cluster, startedAt)
    try {
      const connection = await this.#connect(cluster, onSignal)
      this.#usualMs = clock.now() - startedAt
      return connection
    } catch (error) {
      if (error instanceof HookFailure) this.#pace.useless(error)
      else if (
        !(error instanceof Abandoned || (spare && this.#context.driver.classify(error) === 'busy'))
      )
        this.#pace.backOff(toError(error))
      throw error
    } finally {
      this.#running.delete(cluster)
    }
  }

  /** Ends the back-off, and attempts that may hang: there is reason to believe that the server is back. */
  retryNow(): void {
    this.overtaken(this.#context.runtime.clock.now())
    this.#pace.retryNow()
  }

  /** The server has let in a login that was begun at `since`: attempts begun long before get nowhere. */
  overtaken(since: number): void {
    const staleMs = Math.max(STALE_MS, 3 * (this.#usualMs ?? 0), 2 * this.#context.times.loginMs)
    for (const [cluster, startedAt] of this.#running) {
      if (since - startedAt > staleMs)
        cluster.abort(new Abandoned('the endpoint is back since it began'))
    }
  }

  /** Gives up every attempt, and forgets when the next was due. */
  abandon(reason: string): void {
    this.#pace.endPause()
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
    const { clock, deadlines, stall } = this.#context.runtime
    const { signal } = cluster
    const { longestMs, progress, quietMs } = this.#patience()
    const startedAt = clock.now()
    const stalledBefore = stall.stalledAt(startedAt)
    let preparing = false
    const { endpoint, runtime } = this.#context
    const about = { endpoint, poolName: runtime.name, manager: runtime.id }
    const opening = traced(connectionCreateChannel, about, () =>
      attempt(() =>
        this.#context.driver.connect(this.#context.endpoint, {
          signal,
          onSignal,
          watch: progress.watch,
          queries: this.#context.queries,
        }),
      ),
    )
    const prepared = opening.then(async (connection) => {
      const now = clock.now()
      this.#context.times.loggedIn(
        Math.max(0, now - startedAt - (stall.stalledAt(now) - stalledBefore)),
      )
      // Too late: the attempt was given up.
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
      // It may become ready at the moment at which it is given up.
      prepared.then(
        (connection) => this.#context.driver.destroy(connection),
        () => {},
      )
      throw error
    })
  }

  /** A slow login may take longer than a fast one. A hook of the user gets no further time. */
  #patience(): { quietMs: number; longestMs: number; progress: LoginProgress } {
    const { connectTimeoutMs, onConnect } = this.#context.options
    const quietMs = this.#context.times.loginWithinMs(connectTimeoutMs)
    const longestMs =
      onConnect === undefined ? this.#context.times.longestLoginMs(connectTimeoutMs) : quietMs
    return { quietMs, longestMs, progress: new LoginProgress() }
  }

  /** Runs the user's hook. Its connection does not outlive the attempt, even if the hook does. */
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
}

function hookTooSlow(endpoint: string, timeoutMs: number): ConnectTimeoutError {
  return new ConnectTimeoutError(
    endpoint,
    timeoutMs,
    `it had not finished when connectTimeoutMs (${timeoutMs} ms) were over, counted from the start of the connect`,
  )
}
