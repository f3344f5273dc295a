import type { ConnmgrEventType } from '@connmgr/core'
import { redactText } from '@connmgr/core'
import { messageOf, outside } from '@connmgr/core/driver'
import type { ResolvedManager, ResolvedOptions } from '../options.js'
import { findingsOf } from './findings.js'
import { type ManagerReport, worst } from './report.js'
import { type Service, serviceOf } from './service.js'

/** The events after which a manager may serve other callers than before. None of them is about single callers. */
const TURNS = [
  'healthCheckCompleted',
  'endpointStateChanged',
  'clusterStateChanged',
  'roleChanged',
] as const satisfies readonly ConnmgrEventType[]

/**
 * Follows one manager: knows when it served last, whatever the pace at which probes ask. Reads snapshots and hears
 * events; borrows no connection.
 */
export class ManagerWatch {
  readonly #watched: ResolvedManager
  readonly #options: ResolvedOptions
  #started = false
  /** As of the latest look, and so until the next event. */
  #service: Service = { reads: false, writes: false }
  /** On the monotonic clock; undefined before the first time. */
  #servedAt: number | undefined
  #connectsFail = false
  #connectError: string | undefined
  #connecting = false

  constructor(watched: ResolvedManager, options: ResolvedOptions) {
    this.#watched = watched
    this.#options = options
    const { manager } = watched
    for (const type of TURNS) manager.on(type, () => this.#look())
    manager.on('connectionFailed', ({ error }) => {
      this.#connectsFail = true
      this.#connectError = error.message
      this.#look()
    })
    manager.on('connectionCreated', () => {
      this.#connectsFail = false
      this.#connectError = undefined
    })
  }

  /** How the manager is now. */
  get report(): ManagerReport {
    const { graceMs } = this.#options
    const { manager, name, optional } = this.#watched
    const status = this.#look()
    const serves = this.#serves()
    const findings = findingsOf({
      status,
      service: this.#service,
      serves,
      started: this.#started,
      outForMs: serves ? undefined : this.#outForMs(),
      graceMs,
      oneDatabase: manager.oneDatabase,
      connectError: this.#connectError,
    })
    const outcome = worst(findings.map((each) => each.outcome))
    return {
      name,
      optional,
      outcome,
      ready: outcome !== 'fail',
      started: this.#started,
      findings,
      status,
    }
  }

  /**
   * Sees to it that a manager that nothing monitors, and that may get no callers before the process is ready, connects:
   * for the first time, and again after connects have failed. One attempt at a time, not waited for; of those that
   * have failed, the manager's events tell.
   */
  connectIfUnmonitored(): void {
    const { manager } = this.#watched
    if (this.#connecting || this.#serves() || manager.closed) return
    if (manager.getHealthStatus().monitored) return
    this.#connecting = true
    // Keeps nothing of the request whose probe has come first.
    const connected = outside(() => (this.#started ? manager.warmUp(1) : manager.ready()))
    connected.then(
      () => {
        this.#connecting = false
        this.#look()
      },
      (error: unknown) => {
        this.#connecting = false
        this.#connectError = redactText(messageOf(error))
      },
    )
  }

  #serves(): boolean {
    return this.#watched.requires === 'writes' ? this.#service.writes : this.#service.reads
  }

  #outForMs(): number | undefined {
    return this.#servedAt === undefined ? undefined : this.#options.clock.now() - this.#servedAt
  }

  #look() {
    const now = this.#options.clock.now()
    const before = this.#service
    const served = this.#serves()
    const status = this.#watched.manager.getHealthStatus()
    this.#service = serviceOf(status, { failing: this.#connectsFail })
    if (this.#serves()) {
      this.#started = true
      this.#servedAt = now
    } else if (served) {
      // What has no event of its own is dated by the manager, as far as that is about what was lost.
      const lostForMs = before.writes ? (status.unusableForMs ?? 0) : 0
      this.#servedAt = Math.max(this.#servedAt ?? now, now - lostForMs)
    }
    return status
  }
}
