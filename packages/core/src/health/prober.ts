import type { ConnectionSignal, Driver, Endpoint } from '../driver/contract.js'
import { toError } from '../errors.js'
import { healthCheckChannel, traced } from '../events/channels.js'
import type { Runtime } from '../runtime.js'
import type { TimerHandle } from '../time/clock.js'
import { Deadline } from '../time/deadlines.js'
import { ResponseTimes } from '../time/response-times.js'
import type { EndpointProber, StandIn } from './endpoint-prober.js'
import { ProbeOpener } from './probe-opener.js'
import type { ProbeOutcome } from './probe-outcome.js'
import { ProbePatience, type ProbeTimeouts } from './probe-patience.js'
import { type Answer, Questions } from './questions.js'

export interface ProberOptions extends ProbeTimeouts {
  /** How soon the server answers, if others measure that too. `@default` what this prober measures */
  readonly times?: ResponseTimes
  /** Probes the server while it is short of connections. */
  readonly standIn?: StandIn
  /** Called when an answer comes after its probe was given up: a probe now will be answered. */
  readonly onLateAnswer?: () => void
}

class ProbeTimeoutError extends Error {}

class ProbeDeadline extends Deadline {
  constructor(readonly onExpired: () => void) {
    super()
  }
}

/**
 * Asks one endpoint how it is, over a connection of its own that it keeps between questions. Callers' requests never
 * wait for it, and it never takes a connection from them.
 *
 * A question that misses its deadline stays asked: the next probe opens a fresh connection beside it, and the first answer
 * of the two tells how the server is.
 */
export class Prober<C extends object> implements EndpointProber {
  readonly #runtime: Runtime
  readonly #endpoint: Endpoint
  readonly #driver: Driver<C>
  readonly #options: ProberOptions
  readonly #times: ResponseTimes
  readonly #patience: ProbePatience
  readonly #questions: Questions<C>
  #running: Promise<ProbeOutcome> | undefined
  /** Of the probe under way. */
  #deadline: ProbeDeadline | undefined
  #resolve: (answer: Answer) => void = () => {}
  #reject: (error: unknown) => void = () => {}
  #besideTimer: TimerHandle | undefined
  #stopped = false
  #failing = false
  /** The first time that it was asked since it has answered last; undefined if there is none. */
  #unansweredSince: number | undefined

  constructor(
    runtime: Runtime,
    endpoint: Endpoint,
    driver: Driver<C>,
    options: ProberOptions,
    onSignal: (signal: ConnectionSignal) => void,
  ) {
    this.#runtime = runtime
    this.#endpoint = endpoint
    this.#driver = driver
    this.#options = options
    this.#times = options.times ?? new ResponseTimes()
    this.#patience = new ProbePatience(options, this.#times)
    const parts = {
      opener: new ProbeOpener(driver, endpoint, options.standIn),
      patience: this.#patience,
      times: this.#times,
      isSetup: (error: unknown) => driver.classify(error) === 'setup',
    }
    this.#questions = new Questions(runtime, parts, {
      onAnswer: (answer) => this.#answered(answer),
      onRefused: (error) => this.#reject(error),
      onStale: () => this.#stale(),
      onSignal,
    })
  }

  probe(suspected = false): Promise<ProbeOutcome> {
    this.#failing ||= suspected
    this.#running ??= traced(healthCheckChannel, { endpoint: this.#endpoint }, () =>
      this.#ask(),
    ).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  forget(): void {
    this.#questions.forget()
  }

  forgetSession(): void {
    this.#questions.forgetSession()
  }

  /** Cuts the connection; a probe under way fails. */
  stop(): void {
    this.#stopped = true
    this.forget()
    this.#reject(new Error('probing has been stopped'))
  }

  async #ask(): Promise<ProbeOutcome> {
    const startedAt = this.#runtime.clock.now()
    try {
      const answer = await this.#firstAnswer(startedAt)
      this.#failing = false
      return { ok: true, durationMs: this.#runtime.clock.now() - startedAt, ...answer }
    } catch (thrown) {
      const error = toError(thrown)
      const timedOut = error instanceof ProbeTimeoutError
      this.#failing = true
      return {
        ok: false,
        durationMs: this.#runtime.clock.now() - startedAt,
        kind: timedOut ? 'unreachable' : this.#driver.classify(error),
        error,
        timedOut,
      }
    }
  }

  #firstAnswer(now: number): Promise<Answer> {
    if (this.#stopped) return Promise.reject(new Error('probing has been stopped'))
    this.#unansweredSince ??= now
    const questions = this.#questions
    questions.dropLoginsOf(this.#patience.longestMs)
    const session = questions.pending
      ? undefined
      : (this.#options.standIn?.borrow() ?? questions.kept)
    const timeoutMs = this.#patience.timeoutMs({
      loggedIn: session !== undefined || questions.kept !== undefined,
      loggingIn: questions.pending,
      failing: this.#failing,
    })
    const answer = new Promise<Answer>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#wait(timeoutMs)
    if (session !== undefined) questions.askOver(session)
    else {
      questions.askAnew()
      this.#askBeside()
    }
    return answer.finally(() => {
      this.#deadline?.cancel()
      this.#runtime.clock.clearTimeout(this.#besideTimer)
    })
  }

  /** From now on the probe under way fails after `timeoutMs`, unless a login goes on. */
  #wait(timeoutMs: number): void {
    this.#deadline?.cancel()
    const deadline = new ProbeDeadline(() => {
      if (this.#goesOn() || (this.#failing && this.#patience.mayBeFar(this.#waitedMs()))) {
        this.#questions.askAnew()
        this.#runtime.background.add(deadline, timeoutMs)
        return
      }
      this.#reject(
        new ProbeTimeoutError(`${this.#endpoint.id} did not answer a probe within ${timeoutMs} ms`),
      )
    })
    this.#deadline = deadline
    this.#runtime.background.add(deadline, timeoutMs)
  }

  /** A proxy may hold on to a connection whose server has gone: others are tried beside it while the probe lasts. */
  #askBeside(): void {
    if (!this.#times.known) return
    this.#runtime.clock.clearTimeout(this.#besideTimer)
    this.#besideTimer = this.#runtime.clock.setTimeout(() => {
      this.#questions.askAnew()
      this.#askBeside()
    }, this.#patience.retryMs)
  }

  #answered(answer: Answer): void {
    this.#unansweredSince = undefined
    if (this.#running === undefined) this.#options.onLateAnswer?.()
    else this.#resolve(answer)
  }

  #stale(): void {
    if (this.#running === undefined) return
    this.#questions.askAnew()
    this.#wait(this.#patience.afterStaleMs)
  }

  /** Whether a login under way comes forward. A server that lets no session in is gone too. */
  #goesOn(): boolean {
    return this.#waitedMs() < this.#patience.longestMs && this.#questions.goesOn
  }

  /** Time since it was asked for the first time since it has answered last. */
  #waitedMs(): number {
    return this.#runtime.clock.now() - (this.#unansweredSince ?? Number.NEGATIVE_INFINITY)
  }
}
