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
import { outside } from '../outside.js'
import type { EndpointProber } from './endpoint-prober.js'

/** A probe that was answered. */
export interface SuccessfulProbe {
  readonly ok: true
  readonly durationMs: number
  readonly result: ProbeResult
  /** True if it was asked over a session to another database of the server: this one may not be there. */
  readonly elsewhere?: boolean
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
      readonly heard?: boolean
    }

export interface ProberOptions {
  /** Deadline of one question. */
  readonly probeTimeoutMs: number
  /** Deadline of a question for which a connection must be opened first. */
  readonly probeConnectTimeoutMs: number
  /**
   * After a failure, time until one more connection is tried beside those that have not come about yet: a proxy in
   * between may hold on to one whose server has gone, and lead the next to its successor. `@default` as above
   */
  readonly retryConnectTimeoutMs?: number
  /** Called when an answer comes after its probe was given up: a probe now will be answered. */
  readonly onLateAnswer?: () => void
}

/** Connections that are tried at once, at the most. */
const MOST_PENDING = 4
/** A connection that takes so many times as long as the last one may never come about. */
const PATIENCE = 3

/** On a bad network answers come late, and a deadline that they keep missing tells nothing: it grows, up to so many times. */
const MOST_GROWTH = 4
/** What remains of the lateness that is reckoned with after each answer in time. */
const FORGETTING = 0.9

class ProbeTimeoutError extends Error {}

/** What was asked and has not been answered yet. */
class Question {
  readonly abort = new AbortController()
  probe: Probe | undefined

  constructor(
    readonly askedAt: number,
    /** The connection was opened for it, so that its failure is the server's. */
    readonly fresh: boolean,
  ) {}

  drop(): void {
    this.abort.abort(new Error('the probe has been given up'))
    this.probe?.destroy()
  }
}

/**
 * Asks one endpoint how it is, over a connection of its own that it keeps between questions. Callers' requests never
 * wait for it, and it never takes a connection from them.
 *
 * A question that misses its deadline stays asked: the next probe opens a fresh connection beside it, and whichever
 * answers first tells how the server is.
 */
export class Prober<C extends object> implements EndpointProber {
  readonly #endpoint: Endpoint
  readonly #driver: Driver<C>
  readonly #options: ProberOptions
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  readonly #onSignal: (signal: ConnectionSignal) => void
  readonly #questions = new Set<Question>()
  #kept: Probe | undefined
  #running: Promise<ProbeOutcome> | undefined
  /** Of the probe under way. */
  #answer: Promise<ProbeResult> | undefined
  #resolve: (result: ProbeResult) => void = () => {}
  #reject: (error: unknown) => void = () => {}
  #stopped = false
  #failing = false
  /** How long it took to be answered over a fresh connection, the last time. */
  #usualMs = 0
  /** How late answers have been of late, over the kept connection. */
  #lateMs = 0

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

  /** Cuts the connection; a probe under way fails. */
  stop(): void {
    this.#stopped = true
    this.forget()
    this.#reject(new Error('probing has been stopped'))
  }

  async #ask(): Promise<ProbeOutcome> {
    const startedAt = this.#clock.now()
    try {
      const result = await this.#firstAnswer(startedAt)
      this.#failing = false
      return { ok: true, durationMs: this.#clock.now() - startedAt, result }
    } catch (thrown) {
      const error = toError(thrown)
      const timedOut = error instanceof ProbeTimeoutError
      this.#failing = true
      return {
        ok: false,
        durationMs: this.#clock.now() - startedAt,
        kind: timedOut ? 'unreachable' : this.#driver.classify(error),
        error,
        timedOut,
      }
    }
  }

  #firstAnswer(now: number): Promise<ProbeResult> {
    if (this.#stopped) return Promise.reject(new Error('probing has been stopped'))
    const { probeConnectTimeoutMs } = this.#options
    for (const question of this.#questions) {
      if (question.fresh && now - question.askedAt >= probeConnectTimeoutMs) this.#drop(question)
    }
    const cold = this.#kept === undefined && this.#questions.size === 0
    const retrying = this.#failing && this.#kept === undefined
    const patienceMs = cold ? probeConnectTimeoutMs : this.#answerWithinMs
    const timeoutMs = retrying ? Math.min(patienceMs, this.#retryMs) : patienceMs
    const answer = new Promise<ProbeResult>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#answer = answer
    if (this.#questions.size === 0 && this.#kept !== undefined) this.#askOver(this.#kept, now)
    else this.#askAnew(now)
    return this.#within(timeoutMs, answer)
  }

  #within(timeoutMs: number, answer: Promise<ProbeResult>): Promise<ProbeResult> {
    return bounded(
      this.#deadlines,
      timeoutMs,
      answer,
      () =>
        new ProbeTimeoutError(`${this.#endpoint.id} did not answer a probe within ${timeoutMs} ms`),
    )
  }

  get #answerWithinMs(): number {
    const { probeTimeoutMs } = this.#options
    return Math.max(probeTimeoutMs, Math.min(2 * this.#lateMs, MOST_GROWTH * probeTimeoutMs))
  }

  get #retryMs(): number {
    const { retryConnectTimeoutMs, probeConnectTimeoutMs } = this.#options
    return Math.max(retryConnectTimeoutMs ?? probeConnectTimeoutMs, PATIENCE * this.#usualMs)
  }

  #askOver(kept: Probe, now: number): void {
    const question = new Question(now, false)
    this.#pose(question, kept)
  }

  /** Over a connection that is opened for it, unless one is being opened already, and may still come about. */
  #askAnew(now: number): void {
    const pending = [...this.#questions].filter((each) => each.fresh)
    const latest = pending.at(-1)
    if (latest !== undefined && now - latest.askedAt < this.#retryMs) return
    // The first may be on its way to a slow server and keeps all its time.
    const [, second] = pending
    if (second !== undefined && pending.length >= MOST_PENDING) this.#drop(second)
    const question = new Question(now, true)
    this.#questions.add(question)
    const { signal } = question.abort
    attempt(() =>
      // Its connection outlives the caller.
      outside(() => this.#open({ signal, onSignal: (each) => this.#onSignalOf(question, each) })),
    ).then(
      (probe) => {
        if (this.#questions.has(question)) this.#pose(question, probe)
        else probe.destroy()
      },
      (error: unknown) => this.#failed(question, error),
    )
  }

  #pose(question: Question, probe: Probe): void {
    question.probe = probe
    this.#questions.add(question)
    attempt(() => probe.check(question.abort.signal)).then(
      (result) => this.#answered(question, probe, result),
      (error: unknown) => this.#failed(question, error),
    )
  }

  #answered(question: Question, probe: Probe, result: ProbeResult): void {
    if (!this.#questions.delete(question)) return
    const tookMs = this.#clock.now() - question.askedAt
    if (question.fresh) this.#usualMs = tookMs
    else if (tookMs > this.#options.probeTimeoutMs) this.#lateMs = tookMs
    else this.#lateMs *= FORGETTING
    for (const other of this.#questions) this.#drop(other)
    if (this.#kept !== probe) this.#kept?.destroy()
    this.#kept = probe
    if (this.#running === undefined) this.#options.onLateAnswer?.()
    else this.#resolve(result)
  }

  #failed(question: Question, error: unknown): void {
    if (!this.#questions.has(question)) return
    if (question.fresh) {
      // That nobody can log in any more says nothing of the session that is still being waited for.
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
    if (this.#running === undefined || this.#answer === undefined) return
    this.#askAnew(this.#clock.now())
    if (this.#options.retryConnectTimeoutMs !== undefined)
      this.#within(this.#retryMs, this.#answer).catch(this.#reject)
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
    return this.#driver.openProbe?.(this.#endpoint, context) ?? this.#plainProbe(context)
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
}
