import type { Cluster } from '../cluster/cluster.js'
import type { ManagedEndpoint } from '../cluster/managed-endpoint.js'
import { stateIs } from '../cluster/states.js'
import type { Driver, Role } from '../driver/contract.js'
import { isAnswer } from '../driver/failure-kind.js'
import type { Probe } from '../driver/replication.js'
import { messageOf, toError } from '../errors.js'
import { summarize } from '../events/event-parts.js'
import { outside } from '../flow/outside.js'
import type { Runtime } from '../runtime.js'
import { attempt } from '../time/bounded.js'
import { LoginProgress, whileProgressing } from '../time/login-progress.js'
import type { HealthMonitor } from './health-monitor.js'
import { LEAST_PAUSE, ProbeTimer } from './probe-timer.js'

export interface LoginProbesParts<C extends object> {
  readonly cluster: Cluster<C>
  readonly driver: Driver<C>
  readonly endpoints: readonly ManagedEndpoint<C>[]
  readonly monitor: HealthMonitor<C>
}

export interface LoginProbeOptions {
  /** Pause between logins, less up to 20 %; infinity for none. */
  readonly loginProbeMs: number
  /** Deadline of one login; longer where logins take longer, and for one that makes progress. */
  readonly probeConnectTimeoutMs: number
}

/** Pause between logins of a server of which one has failed. */
const AGAIN_MS = 1000
/** Logins that fail in a row before it is reported: one may be lost on a bad network. */
const FAILURES = 2

/**
 * Logs in to every endpoint now and then. Where sessions work and logins do not, as under a postmaster that is stopped,
 * the endpoint stays in service with the connections it has, and no more than one attempt to open another is under way.
 */
export class LoginProbes<C extends object> {
  readonly #runtime: Runtime
  readonly #options: LoginProbeOptions
  readonly #parts: LoginProbesParts<C>
  readonly #running = new Map<ManagedEndpoint<C>, AbortController>()
  readonly #failures = new Map<ManagedEndpoint<C>, { count: number; since: number }>()
  readonly #timer: ProbeTimer
  #started = false

  constructor(runtime: Runtime, options: LoginProbeOptions, parts: LoginProbesParts<C>) {
    this.#options = options
    this.#runtime = runtime
    this.#parts = parts
    this.#timer = new ProbeTimer(
      runtime.clock,
      () => this.#paceMs(),
      () => {
        for (const endpoint of parts.endpoints) void this.#check(endpoint)
      },
    )
  }

  start(): void {
    if (this.#started || !Number.isFinite(this.#options.loginProbeMs)) return
    this.#started = true
    this.#timer.start()
  }

  stop(): void {
    this.#started = false
    this.#timer.stop()
    for (const abort of this.#running.values()) abort.abort(new Error('probing has been stopped'))
  }

  /** A connect has just failed: finds out whether logins do. */
  suspect(endpoint: ManagedEndpoint<C>): void {
    if (this.#started && !this.#failures.has(endpoint)) outside(() => void this.#check(endpoint))
  }

  /** The endpoint is out of service: nothing is known of its logins any more. */
  forget(endpoint: ManagedEndpoint<C>): void {
    this.#forget(endpoint)
    endpoint.pool.serverChanged({ logins: 'unknown' })
  }

  #forget(endpoint: ManagedEndpoint<C>): void {
    this.#failures.delete(endpoint)
    endpoint.loginError = undefined
  }

  #paceMs(): number {
    const { loginProbeMs } = this.#options
    return this.#failures.size > 0 ? Math.min(AGAIN_MS, loginProbeMs) : loginProbeMs
  }

  /** So young a login of another manager stands for one of ours; never the same one twice. */
  #freshMs(): number {
    return this.#paceMs() * LEAST_PAUSE
  }

  async #check(endpoint: ManagedEndpoint<C>): Promise<void> {
    // In other states each probe logs in anyway, or the server serves no callers.
    if (this.#running.has(endpoint) || !stateIs(endpoint.state, 'open')) return
    // It lets in as many as it has room for, and a login of ours would take one away.
    if (endpoint.standIn.short) return
    const abort = new AbortController()
    this.#running.set(endpoint, abort)
    try {
      const login = (): Promise<Role> => this.#logIn(endpoint, abort)
      const role = await (endpoint.prober.shared?.login(login, this.#freshMs()) ?? login())
      this.#succeeded(endpoint)
      // It was led to another server than the one that the kept session leads to.
      if (role !== 'unknown' && role !== endpoint.role) void this.#parts.monitor.checkAnew(endpoint)
    } catch (thrown) {
      if (this.#started && stateIs(endpoint.state, 'open')) this.#failed(endpoint, toError(thrown))
    } finally {
      this.#running.delete(endpoint)
    }
  }

  /** Resolves with the role of the server that it was led to. */
  async #logIn({ endpoint, pool }: ManagedEndpoint<C>, abort: AbortController): Promise<Role> {
    const { background, clock } = this.#runtime
    const { probeConnectTimeoutMs } = this.#options
    const { times } = pool.server
    const driver = this.#parts.driver
    const progress = new LoginProgress()
    const context = { signal: abort.signal, onSignal: () => {}, watch: progress.watch }
    const startedAt = clock.now()
    // However late it comes about, it is not left open.
    const done = attempt(async () => {
      if (driver.replication !== undefined) {
        const probe = await driver.replication.openProbe(endpoint, context)
        times.loggedIn(clock.now() - startedAt)
        return await this.#roleOver(probe, abort.signal)
      }
      const connection = await driver.connect(endpoint, context)
      driver.destroy(connection)
      return 'unknown'
    })
    const limits = {
      quietMs: times.firstAnswerWithinMs(probeConnectTimeoutMs),
      longestMs: times.longestLoginMs(probeConnectTimeoutMs),
    }
    return whileProgressing(background, limits, progress, done, (waitedMs) => {
      const error = new Error(`logins to ${endpoint.id} fail: no answer within ${waitedMs} ms`)
      abort.abort(error)
      return error
    })
  }

  async #roleOver(probe: Probe, signal: AbortSignal): Promise<Role> {
    try {
      return (await probe.check(signal)).role
    } catch (error) {
      // The login itself has worked.
      if (isAnswer(this.#parts.driver.classify(error))) return 'unknown'
      throw error
    } finally {
      probe.destroy()
    }
  }

  #succeeded(endpoint: ManagedEndpoint<C>): void {
    const { clock, events, name } = this.#runtime
    const failures = this.#failures.get(endpoint)
    const reported = endpoint.loginError !== undefined
    this.#forget(endpoint)
    endpoint.pool.serverChanged({ logins: 'work' })
    if (failures === undefined || !reported) return
    const durationMs = clock.now() - failures.since
    events.emit({ type: 'loginsRecovered', pool: name, endpoint: endpoint.id, durationMs })
  }

  #failed(endpoint: ManagedEndpoint<C>, error: Error): void {
    const { clock, events, name } = this.#runtime
    const kind = this.#parts.driver.classify(error)
    if (kind === 'starting') {
      // A server whose sessions work answers a login so while it waits for them to end.
      this.#parts.cluster.drain(endpoint, messageOf(error))
      return
    }
    if (kind === 'busy') {
      endpoint.standIn.refused()
      this.#parts.monitor.releaseSession(endpoint)
      return
    }
    const failures = this.#failures.get(endpoint) ?? { count: 0, since: clock.now() }
    failures.count += 1
    this.#failures.set(endpoint, failures)
    if (failures.count === 1) this.#timer.start()
    if (failures.count < FAILURES) return
    const reported = endpoint.loginError !== undefined
    endpoint.loginError = summarize(error)
    endpoint.pool.serverChanged({ logins: 'fail' })
    if (reported) return
    const durationMs = clock.now() - failures.since
    events.emit({
      type: 'loginsFailed',
      pool: name,
      endpoint: endpoint.id,
      durationMs,
      error: endpoint.loginError,
    })
  }
}
