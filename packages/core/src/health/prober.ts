import { attempt, bounded } from '../bounded.js'
import type { Clock } from '../clock.js'
import type { Deadlines } from '../deadlines.js'
import type {
  ConnectContext,
  ConnectionSignal,
  Driver,
  Endpoint,
  FailureKind,
  Probe,
  ProbeResult,
} from '../driver.js'
import { toError } from '../errors.js'
import { healthCheckChannel, traced } from '../events/channels.js'

/** What one probe found. */
export type ProbeOutcome =
  | { readonly ok: true; readonly durationMs: number; readonly result: ProbeResult }
  | {
      readonly ok: false
      readonly durationMs: number
      readonly kind: FailureKind
      readonly error: Error
      /** True if the server did not answer at all, rather than refusing. */
      readonly timedOut: boolean
    }

export interface ProberOptions {
  /** Deadline of one question. */
  readonly probeTimeoutMs: number
  /** Deadline of opening the probe's own connection. */
  readonly probeConnectTimeoutMs: number
}

class ProbeTimeoutError extends Error {}

/**
 * Asks one endpoint how it is, over a connection of its own that it keeps between questions. Callers' requests never
 * wait for it, and it never takes a connection from them.
 */
export class Prober<C extends object> {
  readonly #endpoint: Endpoint
  readonly #driver: Driver<C>
  readonly #options: ProberOptions
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  readonly #onSignal: (signal: ConnectionSignal) => void
  #probe: Probe | undefined
  #running: Promise<ProbeOutcome> | undefined
  #abort: AbortController | undefined
  #stopped = false

  constructor(
    endpoint: Endpoint,
    driver: Driver<C>,
    options: ProberOptions,
    clock: Clock,
    deadlines: Deadlines,
    onSignal: (signal: ConnectionSignal) => void,
  ) {
    this.#endpoint = endpoint
    this.#driver = driver
    this.#options = options
    this.#clock = clock
    this.#deadlines = deadlines
    this.#onSignal = onSignal
  }

  /** One probe; joins the one under way, if there is one. Never rejects. */
  probe(): Promise<ProbeOutcome> {
    this.#running ??= traced(healthCheckChannel, { endpoint: this.#endpoint }, () =>
      this.#ask(),
    ).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** Cuts the connection; a probe under way fails. */
  stop(): void {
    this.#stopped = true
    this.#drop()
  }

  async #ask(): Promise<ProbeOutcome> {
    const startedAt = this.#clock.now()
    const hadConnection = this.#probe !== undefined
    try {
      return this.#answered(startedAt, await this.#check())
    } catch (thrown) {
      this.#drop()
      // The kept connection may merely be stale, as after a restart: only a fresh one tells how the server is.
      const stale = hadConnection && !(thrown instanceof ProbeTimeoutError) && !this.#stopped
      if (!stale) return this.#failed(startedAt, thrown)
    }
    try {
      return this.#answered(startedAt, await this.#check())
    } catch (thrown) {
      this.#drop()
      return this.#failed(startedAt, thrown)
    }
  }

  async #check(): Promise<ProbeResult> {
    const abort = new AbortController()
    this.#abort = abort
    if (this.#stopped) throw new Error('probing has been stopped')
    const { probeTimeoutMs, probeConnectTimeoutMs } = this.#options
    if (this.#probe === undefined) {
      const opened = await this.#within(probeConnectTimeoutMs, abort, (context) =>
        this.#open(context),
      )
      this.#probe = opened
    }
    const probe = this.#probe
    return this.#within(probeTimeoutMs, abort, () => probe.check(abort.signal))
  }

  async #within<T>(
    timeoutMs: number,
    abort: AbortController,
    work: (context: ConnectContext) => Promise<T>,
  ): Promise<T> {
    let live = true
    const onSignal = (signal: ConnectionSignal): void => {
      if (live || this.#probe !== undefined) this.#onSignal(signal)
    }
    try {
      return await bounded(
        this.#deadlines,
        timeoutMs,
        attempt(() => work({ signal: abort.signal, onSignal })),
        () => {
          const error = new ProbeTimeoutError(
            `${this.#endpoint.id} did not answer a probe within ${timeoutMs} ms`,
          )
          abort.abort(error)
          return error
        },
      )
    } finally {
      live = false
    }
  }

  async #open(context: ConnectContext): Promise<Probe> {
    const probe = await (this.#driver.openProbe?.(this.#endpoint, context) ??
      this.#plainProbe(context))
    if (context.signal.aborted) {
      probe.destroy()
      throw toError(context.signal.reason)
    }
    return probe
  }

  /** For drivers without a probe of their own: an ordinary connection that is validated. */
  async #plainProbe(context: ConnectContext): Promise<Probe> {
    const driver = this.#driver
    const connection = await driver.connect(this.#endpoint, context)
    return {
      async check() {
        await driver.validate(connection)
        return { role: driver.role?.(connection) ?? 'unknown', writable: true }
      },
      destroy: () => driver.destroy(connection),
    }
  }

  #answered(startedAt: number, result: ProbeResult): ProbeOutcome {
    return { ok: true, durationMs: this.#clock.now() - startedAt, result }
  }

  #failed(startedAt: number, thrown: unknown): ProbeOutcome {
    const error = toError(thrown)
    const timedOut = error instanceof ProbeTimeoutError
    return {
      ok: false,
      durationMs: this.#clock.now() - startedAt,
      kind: timedOut ? 'unreachable' : this.#driver.classify(error),
      error,
      timedOut,
    }
  }

  #drop(): void {
    this.#abort?.abort(new Error('the probe has been given up'))
    const probe = this.#probe
    this.#probe = undefined
    probe?.destroy()
  }
}
