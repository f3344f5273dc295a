import type { Cluster } from '../cluster/cluster.js'
import type { ManagedEndpoint } from '../cluster/managed-endpoint.js'
import { isAnswer } from '../driver/failure-kind.js'
import type { Topic } from '../events/emitter.js'
import { summarize } from '../events/event-parts.js'
import type { Runtime } from '../runtime.js'
import { type HealthCheck, HealthHistory } from './history.js'
import type { ProbeOutcome } from './probe-outcome.js'
import type { ProbePace } from './probe-pace.js'
import { ProbeTimer } from './probe-timer.js'
import type { StartUp } from './start-up.js'

export interface HealthMonitorParts<C extends object> {
  readonly cluster: Cluster<C>
  readonly endpoints: readonly ManagedEndpoint<C>[]
  readonly startUp: StartUp<C>
}

/**
 * Probes every endpoint in the background, all at once, each on its own: one that hangs delays no other. Keeps the
 * history and the statistics.
 */
export class HealthMonitor<C extends object> {
  readonly #runtime: Runtime
  readonly #history: HealthHistory
  readonly #pace: ProbePace<C>
  readonly #parts: HealthMonitorParts<C>
  readonly #timer: ProbeTimer
  readonly #completed: Topic
  readonly #running = new Map<ManagedEndpoint<C>, Promise<HealthCheck>>()
  /** Endpoints to be probed once more after the probe under way. */
  readonly #again = new Set<ManagedEndpoint<C>>()
  readonly #failingSince = new Map<ManagedEndpoint<C>, number>()
  /** The latest check of each endpoint that others have probed too. */
  readonly #latest = new Map<ManagedEndpoint<C>, HealthCheck>()
  #started = false

  constructor(
    runtime: Runtime,
    historyLength: number,
    pace: ProbePace<C>,
    parts: HealthMonitorParts<C>,
  ) {
    this.#parts = parts
    this.#history = new HealthHistory(historyLength)
    this.#runtime = runtime
    this.#pace = pace
    this.#timer = new ProbeTimer(
      runtime.clock,
      () => this.#paceMs(),
      () => this.#ownRound(),
    )
    this.#completed = runtime.events.topic('healthCheckCompleted')
  }

  get history(): HealthHistory {
    return this.#history
  }

  get started(): boolean {
    return this.#started
  }

  /** Starts the rounds; resolves after the first. */
  start(): Promise<void> {
    if (!this.#started) {
      this.#started = true
      this.#timer.start()
    }
    for (const endpoint of this.#parts.endpoints) this.#attend(endpoint)
    return this.round()
  }

  stop(): void {
    this.#started = false
    this.#timer.stop()
    for (const { prober } of this.#parts.endpoints) prober.shared?.leave()
  }

  /** Brings the next round forward to the present pace; never puts it off. */
  hurry(): void {
    if (!this.#started) return
    for (const { prober } of this.#parts.endpoints) prober.shared?.hurry()
    this.#timer.hurry()
  }

  /** Probes all endpoints at once. */
  async round(): Promise<void> {
    await Promise.all(this.#parts.endpoints.map((endpoint) => this.check(endpoint)))
  }

  isChecking(endpoint: ManagedEndpoint<C>): boolean {
    return this.#running.has(endpoint)
  }

  /** Probes one endpoint; joins the probe under way, if there is one. */
  check(endpoint: ManagedEndpoint<C>): Promise<HealthCheck> {
    let running = this.#running.get(endpoint)
    if (running === undefined) {
      running = this.#check(endpoint).finally(() => this.#running.delete(endpoint))
      this.#running.set(endpoint, running)
    }
    return running
  }

  /** Probes an endpoint whose address may lead to another server than the one that its prober is connected to. */
  async checkAnew(endpoint: ManagedEndpoint<C>): Promise<void> {
    if (!this.#started) return
    // Not under a probe that is waiting for its answer.
    await this.check(endpoint)
    endpoint.prober.forget()
    if (this.#started) await this.check(endpoint)
  }

  /** Closes the session of the monitor, because a caller needs its slot. A check under way finishes first. */
  releaseSession(endpoint: ManagedEndpoint<C>): void {
    const { prober } = endpoint
    if (prober.shared !== undefined || !this.isChecking(endpoint)) prober.forget()
  }

  /**
   * Probes all endpoints at once because something has just happened. What a probe under way says may be older than
   * that, so it is followed by another.
   */
  roundAfterTrouble(): void {
    for (const endpoint of this.#parts.endpoints) this.checkAfterTrouble(endpoint)
  }

  checkAfterTrouble(endpoint: ManagedEndpoint<C>): void {
    const running = this.#running.get(endpoint)
    if (running === undefined) void this.check(endpoint)
    else if (!this.#again.has(endpoint)) {
      this.#again.add(endpoint)
      void running.then(() => {
        this.#again.delete(endpoint)
        if (this.#started) void this.check(endpoint)
      })
    }
  }

  async #check(endpoint: ManagedEndpoint<C>): Promise<HealthCheck> {
    if (this.#started) this.#attend(endpoint)
    // What came before the question is no sign of life after it.
    endpoint.pool.server.receivedAny()
    const { prober } = endpoint
    const outcome = await prober.probe(endpoint.state === 'SUSPECT')
    const received = prober.shared?.attending === true ? this.#latest.get(endpoint) : undefined
    const check = received ?? this.#conclude(endpoint, outcome)
    if (prober.shared === undefined && !this.#pace.keepsSession(endpoint)) prober.forget()
    return check
  }

  /** Hears of every probe of a server that is shared, and has no rounds of its own for it. */
  #attend(endpoint: ManagedEndpoint<C>): void {
    const { shared } = endpoint.prober
    if (shared === undefined || shared.attending) return
    shared.attend({
      paceMs: () => this.#pace.paceMs,
      keepsSession: () => this.#pace.keepsSession(endpoint),
      standIn: endpoint.standIn,
      isQuiet: () =>
        endpoint.isSteady &&
        endpoint.pool.isEmpty &&
        !endpoint.standIn.short &&
        !this.#completed.wanted,
      onAsk: () => endpoint.pool.server.receivedAny(),
      onOutcome: (outcome) => this.#latest.set(endpoint, this.#conclude(endpoint, outcome)),
    })
  }

  #conclude(endpoint: ManagedEndpoint<C>, answer: ProbeOutcome): HealthCheck {
    let outcome = endpoint.standIn.judge(answer)
    if (
      !outcome.ok &&
      (outcome.timedOut ? endpoint.pool.server.receivedAny() : isAnswer(outcome.kind))
    )
      outcome = { ...outcome, alive: true }
    const check = this.#record(endpoint, outcome)
    this.#parts.startUp.probed(endpoint.id, outcome)
    this.#parts.cluster.observe(endpoint, outcome)
    return check
  }

  #record(endpoint: ManagedEndpoint<C>, outcome: ProbeOutcome): HealthCheck {
    const { clock, events, name } = this.#runtime
    const error = outcome.ok ? undefined : summarize(outcome.error)
    const check: HealthCheck = {
      at: new Date(clock.wallTime()),
      endpoint: endpoint.id,
      healthy: outcome.ok,
      responseTimeMs: outcome.durationMs,
      role: outcome.ok ? outcome.result.role : endpoint.role,
      pool: endpoint.pool.counts,
      ...(outcome.ok && outcome.refused === true ? { refused: true } : {}),
      ...(error === undefined ? {} : { error }),
    }
    this.#history.add(check)
    if (this.#completed.wanted) {
      events.emit({
        type: 'healthCheckCompleted',
        pool: name,
        endpoint: endpoint.id,
        healthy: check.healthy,
        durationMs: check.responseTimeMs,
        role: check.role,
        ...(check.refused === true ? { refused: true } : {}),
        ...(error === undefined ? {} : { error }),
      })
    }
    this.#noteRecovery(endpoint, outcome.ok)
    return check
  }

  #noteRecovery(endpoint: ManagedEndpoint<C>, healthy: boolean): void {
    const { clock, events, name } = this.#runtime
    const failingSince = this.#failingSince.get(endpoint)
    if (!healthy) {
      if (failingSince === undefined) this.#failingSince.set(endpoint, clock.now())
    } else if (failingSince !== undefined) {
      this.#failingSince.delete(endpoint)
      this.#history.recovered()
      events.emit({
        type: 'healthRecovered',
        pool: name,
        endpoint: endpoint.id,
        durationMs: clock.now() - failingSince,
      })
    }
  }

  /** Infinity where others ask every server at the pace that this manager wants. */
  #paceMs(): number {
    const shared = this.#parts.endpoints.every(({ prober }) => prober.shared !== undefined)
    return shared ? Number.POSITIVE_INFINITY : this.#pace.paceMs
  }

  #ownRound(): void {
    for (const endpoint of this.#parts.endpoints)
      if (endpoint.prober.shared === undefined) void this.check(endpoint)
  }
}
