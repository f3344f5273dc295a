import {
  askOver,
  type ConnectContext,
  type ConnectionSignal,
  type Driver,
  type Endpoint,
  type FailureKind,
  type Probe,
  type ProbeResult,
} from '../driver/contract.js'
import { toError } from '../errors.js'
import { healthCheckChannel, traced } from '../events/channels.js'
import { outside } from '../flow/outside.js'
import type { Runtime } from '../runtime.js'
import { attempt } from '../time/bounded.js'
import type { TimerHandle } from '../time/clock.js'
import { Deadline } from '../time/deadlines.js'
import { type AnsweredQuestion, ResponseTimes } from '../time/response-times.js'
import type { EndpointProber, StandIn } from './endpoint-prober.js'
import { PooledProbe } from './pooled-probe.js'
import { ProbePatience, type ProbeTimeouts } from './probe-patience.js'
import { Question } from './question.js'

/** A probe that was answered. */
export interface SuccessfulProbe extends AnsweredQuestion {
  readonly ok: true
  readonly durationMs: number
  readonly result: ProbeResult
  /** True if it was asked over a session to another database of the server: this one may not be there. */
  readonly elsewhere?: boolean
  /** True if the server had no room for the probe while the pool has connections to it. `result` is the one known before. */
  readonly refused?: boolean
}

/** What one probe found. */
export type ProbeOutcome =
  | SuccessfulProbe
  | {
      readonly ok: false
      readonly durationMs: number
      readonly kind: FailureKind
      readonly error: Error
      /** True if the server did not answer at all, rather than refusing. */
      readonly timedOut: boolean
      /**
       * True if the server is alive all the same: it has sent something over other connections meanwhile, or has
       * answered with the error of a statement. What was known of it before holds.
       */
      readonly alive?: boolean
    }

export interface ProberOptions extends ProbeTimeouts {
  /** How soon the server answers, if others measure that too. `@default` what this prober measures */
  readonly times?: ResponseTimes
  /** Probes the server while it is short of connections. */
  readonly standIn?: StandIn
  /** Called when an answer comes after its probe was given up: a probe now will be answered. */
  readonly onLateAnswer?: () => void
}

/** Connections that are tried at once, at the most. */
const MOST_PENDING = 4

class ProbeTimeoutError extends Error {}

class ProbeDeadline extends Deadline {
  constructor(readonly onExpired: () => void) {
    super()
  }
}

type Answer = Omit<SuccessfulProbe, 'ok' | 'durationMs'>

/**
 * Asks one endpoint how it is, over a connection of its own that it keeps between questions. Callers' requests never
 * wait for it, and it never takes a connection from them.
 *
 * A question that misses its deadline stays asked: the next probe opens a fresh connection beside it, and whichever
 * answers first tells how the server is.
 */
export class Prober<C extends object> implements EndpointProber {
  readonly #runtime: Runtime
  readonly #endpoint: Endpoint
  readonly #driver: Driver<C>
  readonly #options: ProberOptions
  readonly #onSignal: (signal: ConnectionSignal) => void
  readonly #questions = new Set<Question>()
  #kept: Probe | undefined
  #running: Promise<ProbeOutcome> | undefined
  /** Of the probe under way. */
  #deadline: ProbeDeadline | undefined
  #resolve: (answer: Answer) => void = () => {}
  #reject: (error: unknown) => void = () => {}
  #besideTimer: TimerHandle | undefined
  #stopped = false
  #failing = false
  readonly #times: ResponseTimes
  readonly #patience: ProbePatience
  /** The first time that it was asked since it has answered last; undefined if there is none. */
  #unansweredSince: number | undefined
  /** Over which a question is under way that is part of no probe. */
  #measuring: Probe | undefined

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
    this.#onSignal = onSignal
    this.#times = options.times ?? new ResponseTimes()
    this.#patience = new ProbePatience(options, this.#times)
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

  /** Gives up the connection and every question: the next probe begins anew. */
  forget(): void {
    for (const question of this.#questions) this.#drop(question)
    this.#kept?.destroy()
    this.#kept = undefined
  }

  /** Gives up the connection and what was asked over it. Logins under way go on: one may be on its way to a slow server. */
  forgetSession(): void {
    for (const question of this.#questions) if (!question.fresh) this.#drop(question)
    this.#kept?.destroy()
    this.#kept = undefined
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
    for (const question of this.#questions) {
      if (question.fresh && now - question.askedAt >= this.#patience.longestMs) this.#drop(question)
    }
    const session =
      this.#questions.size > 0 ? undefined : (this.#options.standIn?.borrow() ?? this.#kept)
    const timeoutMs = this.#patience.timeoutMs({
      loggedIn: session !== undefined || this.#kept !== undefined,
      loggingIn: this.#questions.size > 0,
      failing: this.#failing,
    })
    const answer = new Promise<Answer>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#wait(timeoutMs)
    if (session !== undefined) this.#askOver(session, now)
    else {
      this.#askAnew(now)
      this.#askBeside()
    }
    return answer.finally(() => {
      this.#deadline?.cancel()
      this.#runtime.clock.clearTimeout(this.#besideTimer)
    })
  }

  /** A proxy may hold on to a connection whose server has gone: others are tried beside it while the probe lasts. */
  #askBeside(): void {
    if (!this.#times.known) return
    this.#runtime.clock.clearTimeout(this.#besideTimer)
    this.#besideTimer = this.#runtime.clock.setTimeout(() => {
      this.#askAnew(this.#runtime.clock.now())
      this.#askBeside()
    }, this.#patience.retryMs)
  }

  /** From now on the probe under way fails after `timeoutMs`, unless a login goes on. */
  #wait(timeoutMs: number): void {
    this.#deadline?.cancel()
    const deadline = new ProbeDeadline(() => {
      if (this.#goesOn || (this.#failing && this.#patience.mayBeFar(this.#waitedMs))) {
        this.#askAnew(this.#runtime.clock.now())
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

  /** Whether a login under way comes forward. A server that never lets anybody in is gone too. */
  get #goesOn(): boolean {
    const now = this.#runtime.clock.now()
    if (this.#waitedMs >= this.#patience.longestMs) return false
    return [...this.#questions].some(
      ({ askedAt, fresh, progress }) => fresh && progress.goesOn(now - askedAt),
    )
  }

  /** Time since it was asked for the first time since it has answered last. */
  get #waitedMs(): number {
    return this.#runtime.clock.now() - (this.#unansweredSince ?? Number.NEGATIVE_INFINITY)
  }

  #askOver(kept: Probe, now: number): void {
    const question = new Question(now, this.#runtime.stall.stalledAt(now), false)
    this.#pose(question, kept)
  }

  /** Over a connection that is opened for it, unless one is being opened already, and may still come about. */
  #askAnew(now: number): void {
    const pending = [...this.#questions].filter((each) => each.fresh)
    const latest = pending.at(-1)
    if (latest !== undefined && now - latest.askedAt < this.#patience.retryMs) return
    // The first may be on its way to a slow server and keeps all its time.
    const [, second] = pending
    if (second !== undefined && pending.length >= MOST_PENDING) this.#drop(second)
    const question = new Question(now, this.#runtime.stall.stalledAt(now), true)
    this.#questions.add(question)
    const { signal } = question.abort
    const { watch } = question.progress
    const onSignal = (each: ConnectionSignal): void => this.#onSignalOf(question, each)
    attempt(() =>
      // Its connection outlives the caller.
      outside(() => this.#open({ signal, onSignal, watch })),
    ).then(
      (probe) => {
        if (!(probe instanceof PooledProbe)) this.#times.loggedIn(this.#tookMs(question))
        if (this.#questions.has(question)) this.#pose(question, probe)
        else probe.destroy()
      },
      (error: unknown) => this.#failed(question, error),
    )
  }

  #pose(question: Question, probe: Probe): void {
    question.probe = probe
    this.#questions.add(question)
    const loginMs = question.fresh ? this.#tookMs(question) : 0
    attempt(() => probe.check(question.abort.signal)).then(
      (result) => this.#answered(question, probe, result, loginMs),
      (error: unknown) => this.#failed(question, error),
    )
  }

  #answered(question: Question, probe: Probe, result: ProbeResult, loginMs: number): void {
    if (!this.#questions.delete(question)) return
    const pooled = probe instanceof PooledProbe
    if (!pooled) this.#times.answered(this.#tookMs(question) - loginMs, result.roundTrips)
    this.#unansweredSince = undefined
    for (const other of this.#questions) this.#drop(other)
    if (this.#kept !== probe) this.#kept?.destroy()
    this.#kept = pooled ? undefined : probe
    if (pooled) probe.destroy()
    else this.#measure(probe)
    if (this.#running === undefined) this.#options.onLateAnswer?.()
    // Only the pool knows when its login began.
    else this.#resolve({ result, askedAt: question.askedAt, fresh: question.fresh && !pooled })
  }

  /**
   * Asks on while the server seems far by few answers, as a machine that starts or is busy delays some answers, and a
   * distance all. What a far server is granted would have a near one missed late.
   */
  #measure(probe: Probe): void {
    if (!this.#times.doubtful || this.#kept !== probe || this.#measuring === probe) return
    this.#measuring = probe
    const now = this.#runtime.clock.now()
    const question = new Question(now, this.#runtime.stall.stalledAt(now), false)
    outside(() => attempt(() => probe.check(question.abort.signal))).then(
      ({ roundTrips }) => {
        if (this.#measuring === probe) this.#measuring = undefined
        this.#times.answered(this.#tookMs(question), roundTrips)
        this.#measure(probe)
      },
      // The next probe finds out by itself what has become of the session.
      () => {
        if (this.#measuring === probe) this.#measuring = undefined
      },
    )
  }

  #failed(question: Question, error: unknown): void {
    if (!this.#questions.has(question)) return
    if (question.fresh) {
      // Failing logins say nothing of the session that is still being waited for.
      if (this.#kept !== undefined && this.#driver.classify(error) === 'setup') {
        this.#drop(question)
        return
      }
      this.forget()
      this.#reject(error)
      return
    }
    // The kept connection may merely be stale, as after a restart: only a fresh one tells how the server is.
    this.#drop(question)
    if (this.#running === undefined) return
    this.#askAnew(this.#runtime.clock.now())
    this.#wait(this.#patience.afterStaleMs)
  }

  /** Time since a question was asked, or its login was begun, without what was lost to stalls. */
  #tookMs({ askedAt, stalledBefore }: Question): number {
    const now = this.#runtime.clock.now()
    return Math.max(0, now - askedAt - (this.#runtime.stall.stalledAt(now) - stalledBefore))
  }

  #drop(question: Question): void {
    this.#questions.delete(question)
    question.drop()
    if (this.#kept === question.probe) this.#kept = undefined
  }

  #onSignalOf(question: Question, signal: ConnectionSignal): void {
    if (this.#kept !== undefined && question.probe === this.#kept) this.#onSignal(signal)
  }

  #open(context: ConnectContext): Promise<Probe> {
    const { standIn } = this.#options
    const openOwn = (): Promise<Probe> =>
      this.#driver.replication?.openProbe(this.#endpoint, context) ?? this.#plainProbe(context)
    return standIn === undefined ? openOwn() : standIn.open(openOwn, context.signal)
  }

  /** For drivers without a probe of their own: an ordinary connection that is validated. */
  async #plainProbe(context: ConnectContext): Promise<Probe> {
    const driver = this.#driver
    const connection = await driver.connect(this.#endpoint, context)
    return {
      check: () => askOver(driver, this.#endpoint, connection),
      destroy: () => driver.destroy(connection),
    }
  }
}
