import type { ConnectionSignal } from '../driver/contract.js'
import type { Probe, ProbeResult } from '../driver/replication.js'
import { outside } from '../flow/outside.js'
import type { Runtime } from '../runtime.js'
import { attempt } from '../time/bounded.js'
import type { ResponseTimes } from '../time/response-times.js'
import { DistanceMeasure } from './distance-measure.js'
import { PooledProbe } from './pooled-probe.js'
import type { ProbeOpener } from './probe-opener.js'
import type { SuccessfulProbe } from './probe-outcome.js'
import type { ProbePatience } from './probe-patience.js'
import { Question } from './question.js'

export type Answer = Omit<SuccessfulProbe, 'ok' | 'durationMs'>

/** What becomes of the questions. */
export interface QuestionCallbacks {
  readonly onAnswer: (answer: Answer) => void
  /** The server has refused a login, or a question over a session that was opened for it. */
  readonly onRefused: (error: unknown) => void
  /** The kept session has failed. It may merely be stale, as after a restart: only a fresh one tells how the server is. */
  readonly onStale: () => void
  /** Something has come over the kept session without being asked for. */
  readonly onSignal: (signal: ConnectionSignal) => void
}

export interface QuestionsParts<C extends object> {
  readonly opener: ProbeOpener<C>
  readonly patience: ProbePatience
  readonly times: ResponseTimes
  /** Whether a login fails for a reason that lies in what it was given, and says nothing of the server. */
  readonly isSetup: (error: unknown) => boolean
}

/** Connections that are tried at once, at the most. */
const MOST_PENDING = 4

/**
 * The questions to one server that are under way, and the session that is kept between them. The first answer counts, and
 * ends the others.
 */
export class Questions<C extends object> {
  readonly #runtime: Runtime
  readonly #parts: QuestionsParts<C>
  readonly #callbacks: QuestionCallbacks
  readonly #asked = new Set<Question>()
  readonly #distance: DistanceMeasure
  #kept: Probe | undefined

  constructor(runtime: Runtime, parts: QuestionsParts<C>, callbacks: QuestionCallbacks) {
    this.#runtime = runtime
    this.#parts = parts
    this.#callbacks = callbacks
    this.#distance = new DistanceMeasure(runtime, parts.times)
  }

  /** The session that is kept for the next question. */
  get kept(): Probe | undefined {
    return this.#kept
  }

  get pending(): boolean {
    return this.#asked.size > 0
  }

  /** Whether a login under way comes forward. */
  get goesOn(): boolean {
    return [...this.#asked].some((each) => each.goesOn)
  }

  askOver(session: Probe): void {
    this.#pose(new Question(this.#runtime, false), session)
  }

  /** Over a connection that is opened for it, unless one is being opened already, and may still come about. */
  askAnew(): void {
    const { opener, patience, times } = this.#parts
    const pending = [...this.#asked].filter((each) => each.fresh)
    const latest = pending.at(-1)
    if (latest !== undefined && latest.ageMs < patience.retryMs) return
    // The first may be on its way to a slow server and keeps all its time.
    const [, second] = pending
    if (second !== undefined && pending.length >= MOST_PENDING) this.#drop(second)
    const question = new Question(this.#runtime, true)
    this.#asked.add(question)
    const { signal } = question.abort
    const { watch } = question.progress
    const onSignal = (each: ConnectionSignal): void => this.#onSignal(question, each)
    attempt(() =>
      // Its connection outlives the caller.
      outside(() => opener.open({ signal, onSignal, watch })),
    ).then(
      (probe) => {
        if (!(probe instanceof PooledProbe)) times.loggedIn(question.tookMs)
        if (this.#asked.has(question)) this.#pose(question, probe)
        else probe.destroy()
      },
      (error: unknown) => this.#failed(question, error),
    )
  }

  /** Gives up logins, and questions after them, that have taken so long. */
  dropLoginsOf(ageMs: number): void {
    for (const each of this.#asked) if (each.fresh && each.ageMs >= ageMs) this.#drop(each)
  }

  /** Gives up the session and every question. */
  forget(): void {
    for (const each of this.#asked) this.#drop(each)
    this.#keep(undefined)
  }

  /** Gives up the session and what was asked over it. Logins under way go on: one may be on its way to a slow server. */
  forgetSession(): void {
    for (const each of this.#asked) if (!each.fresh) this.#drop(each)
    this.#keep(undefined)
  }

  #pose(question: Question, probe: Probe): void {
    question.probe = probe
    this.#asked.add(question)
    const loginMs = question.fresh ? question.tookMs : 0
    attempt(() => probe.check(question.abort.signal)).then(
      (result) => this.#answered(question, probe, result, loginMs),
      (error: unknown) => this.#failed(question, error),
    )
  }

  #answered(question: Question, probe: Probe, result: ProbeResult, loginMs: number): void {
    if (!this.#asked.delete(question)) return
    const pooled = probe instanceof PooledProbe
    if (!pooled) this.#parts.times.answered(question.tookMs - loginMs, result.roundTrips)
    for (const other of this.#asked) this.#drop(other)
    this.#keep(pooled ? undefined : probe)
    if (pooled) probe.destroy()
    else this.#distance.over(probe, () => this.#kept === probe)
    // Only the pool knows when its login began.
    const fresh = question.fresh && !pooled
    this.#callbacks.onAnswer({ result, askedAt: question.askedAt, fresh })
  }

  #failed(question: Question, error: unknown): void {
    if (!this.#asked.has(question)) return
    if (!question.fresh) {
      this.#drop(question)
      this.#callbacks.onStale()
      return
    }
    // Failing logins say nothing of the session that is still being waited for.
    if (this.#kept !== undefined && this.#parts.isSetup(error)) {
      this.#drop(question)
      return
    }
    this.forget()
    this.#callbacks.onRefused(error)
  }

  #keep(session: Probe | undefined): void {
    if (this.#kept !== session) this.#kept?.destroy()
    this.#kept = session
  }

  #drop(question: Question): void {
    this.#asked.delete(question)
    question.drop()
    if (this.#kept === question.probe) this.#kept = undefined
  }

  #onSignal(question: Question, signal: ConnectionSignal): void {
    if (this.#kept !== undefined && question.probe === this.#kept) this.#callbacks.onSignal(signal)
  }
}
