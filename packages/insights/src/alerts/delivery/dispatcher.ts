import { type Clock, redactText } from '@connmgr/core'
import { messageOf, outside, type TimerHandle } from '@connmgr/core/driver'
import type { Alert, AlertSink } from '../alert.js'
import type { AlertProblem } from '../problem.js'
import { AlertDeliveryError, AlertRefusedError } from './alert-errors.js'
import { backoffMs } from './backoff.js'
import { withoutPaths } from './hidden-paths.js'
import { Outbox } from './outbox.js'
import { Resending } from './resending.js'

/** A sink with nothing left out. */
export type ResolvedSink = Required<AlertSink>

/** How deliveries to one sink go. */
export interface SinkStatus {
  readonly name: string
  /** Alerts that are still to be delivered. */
  readonly queued: number
  /** Alerts that were delivered, each as often as it was. */
  readonly delivered: number
  /** Alerts that the receiver refused for good. */
  readonly refused: number
  /** Alerts that were left out, as too many waited. */
  readonly dropped: number
  /** Deliveries that have failed since the latest that succeeded. */
  readonly failures: number
  /** Why the latest failed; undefined once one has succeeded. */
  readonly lastError: string | undefined
}

/** An alert for each finding there may be, and as many that are resolved. */
const MOST_QUEUED = 1000

/**
 * Delivers alerts to one sink: one delivery at a time, again after a failure, and of each alert the newest state. It never
 * throws, and nothing waits for it but `close`.
 */
export class Dispatcher {
  readonly sink: ResolvedSink
  readonly #clock: Clock
  readonly #report: (problem: AlertProblem) => void
  readonly #outbox = new Outbox(MOST_QUEUED)
  readonly #resending: Resending
  #delivering = false
  #pause: TimerHandle | undefined
  #closed = false
  #delivered = 0
  #refused = 0
  #failures = 0
  #lastError: string | undefined
  #whenEmpty: (() => void)[] = []

  /** @param sink its `resendMs` is no shorter than what is between two calls of {@link resend} */
  constructor(sink: ResolvedSink, clock: Clock, report: (problem: AlertProblem) => void) {
    this.sink = sink
    this.#clock = clock
    this.#report = report
    this.#resending = new Resending(sink.resendMs, sink.resendResolvedForMs)
  }

  get status(): SinkStatus {
    return {
      name: this.sink.name,
      queued: this.#outbox.size,
      delivered: this.#delivered,
      refused: this.#refused,
      dropped: this.#outbox.dropped,
      failures: this.#failures,
      lastError: this.#lastError,
    }
  }

  /** Takes alerts that have begun to fire, or were resolved. */
  post(alerts: readonly Alert[]): void {
    const nowMs = this.#clock.now()
    for (const alert of alerts) {
      if (!this.#wants(alert)) continue
      this.#put(alert)
      this.#resending.note(alert, nowMs)
    }
    this.#start()
  }

  /**
   * Delivers again what it is time for.
   *
   * @param refresh an alert that still fires, as it is now
   */
  resend(refresh: (key: string) => Alert | undefined): void {
    for (const alert of this.#resending.due(this.#clock.now(), refresh)) this.#put(alert)
    this.#start()
  }

  /** Resolves when nothing is left to deliver; tries again at once what has failed before. */
  async drained(): Promise<void> {
    if (this.#outbox.size === 0 && !this.#delivering) return
    this.#clock.clearTimeout(this.#pause)
    this.#pause = undefined
    this.#start()
    await new Promise<void>((resolve) => this.#whenEmpty.push(resolve))
  }

  /** Gives up what is left. */
  close(): void {
    this.#closed = true
    this.#clock.clearTimeout(this.#pause)
    for (const resolve of this.#whenEmpty.splice(0)) resolve()
  }

  #wants(alert: Alert): boolean {
    if (alert.status === 'resolved' && !this.sink.sendResolved) return false
    try {
      return this.sink.only(alert)
    } catch (error) {
      this.#report({
        kind: 'filter-failed',
        name: this.sink.name,
        message: `alerts: "only" of the sink "${this.sink.name}" threw, so the alert is sent: ${shown(error)}`,
      })
      return true
    }
  }

  #put(alert: Alert): void {
    const before = this.#outbox.dropped
    this.#outbox.put(alert)
    if (before === 0 && this.#outbox.dropped > 0)
      this.#report({
        kind: 'alerts-dropped',
        name: this.sink.name,
        message: `alerts: more than ${MOST_QUEUED} alerts wait for the sink "${this.sink.name}"; the oldest are left out`,
      })
  }

  /** In no flow of those who happen to be running. */
  #start(): void {
    if (this.#delivering || this.#closed || this.#pause !== undefined) return
    if (this.#outbox.size > 0) outside(() => void this.#deliverAll())
  }

  async #deliverAll(): Promise<void> {
    this.#delivering = true
    while (!this.#closed && this.#pause === undefined) {
      const batch = this.#outbox.peek(this.sink.maxBatch)
      if (batch.length === 0) break
      await this.#deliver(batch).then(
        () => this.#succeeded(batch),
        (error: unknown) => this.#failed(batch, error),
      )
    }
    this.#delivering = false
    if (this.#outbox.size === 0) for (const resolve of this.#whenEmpty.splice(0)) resolve()
  }

  /** Settles within the time that a delivery may take, whatever the sink does. */
  #deliver(batch: readonly Alert[]): Promise<void> {
    const { deliver, resendMs, timeoutMs } = this.sink
    const abort = new AbortController()
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimeout(() => {
        const late = new AlertDeliveryError(`it took longer than ${timeoutMs} ms`)
        reject(late)
        abort.abort(late)
      }, timeoutMs)
      const context = { signal: abort.signal, now: new Date(this.#clock.wallTime()), resendMs }
      const settle = (done: () => void): void => {
        this.#clock.clearTimeout(timer)
        done()
      }
      Promise.resolve()
        .then(() => deliver(batch, context))
        .then(
          () => settle(resolve),
          (error: unknown) => settle(() => reject(error)),
        )
    })
  }

  #succeeded(batch: readonly Alert[]): void {
    this.#outbox.settle(batch)
    this.#delivered += batch.length
    if (this.#failures > 0)
      this.#report({
        kind: 'delivery-recovered',
        name: this.sink.name,
        message: `alerts: the sink "${this.sink.name}" takes alerts again, after ${this.#failures} failed deliveries`,
      })
    this.#failures = 0
    this.#lastError = undefined
  }

  #failed(batch: readonly Alert[], error: unknown): void {
    const message = shown(error)
    if (error instanceof AlertRefusedError) {
      this.#refuse(batch, message)
      return
    }
    this.#failures += 1
    this.#lastError = message
    if (this.#failures === 1)
      this.#report({
        kind: 'delivery-failed',
        name: this.sink.name,
        message: `alerts: a delivery to the sink "${this.sink.name}" failed and is tried again: ${message}`,
      })
    const { retryAfterMs } = error as { retryAfterMs?: unknown }
    const asked = typeof retryAfterMs === 'number' ? retryAfterMs : 0
    this.#pause = this.#clock.setTimeout(
      () => {
        this.#pause = undefined
        this.#start()
      },
      backoffMs(this.#failures, this.#clock.random(), asked),
    )
  }

  #refuse(batch: readonly Alert[], message: string): void {
    if (batch.length > 1) {
      this.#outbox.separate(batch)
      return
    }
    this.#outbox.settle(batch)
    this.#refused += 1
    this.#lastError = message
    this.#report({
      kind: 'delivery-refused',
      name: this.sink.name,
      message: `alerts: the sink "${this.sink.name}" refused an alert, which is dropped: ${message}`,
    })
  }
}

/** Errors of sinks that are not ours may quote the addresses they send to. */
function shown(error: unknown): string {
  return redactText(withoutPaths(messageOf(error)))
}
