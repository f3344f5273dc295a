import type { History } from '../cluster/history.js'
import type { ConnectionSignal, Role } from '../driver/contract.js'
import { digestOf, sharedBy } from '../process/registry.js'
import type { Runtime } from '../runtime.js'
import type { Attendant, EndpointProber, SharedProbing } from './endpoint-prober.js'
import type { ProbeOutcome } from './probe-outcome.js'
import { ServerWatch } from './server-watch.js'
import type { ProberCallbacks, WatchMember } from './watch-members.js'

/** What a manager brings to the watch of a server. */
export interface ServerAccess {
  /** Asks over a connection of this manager's. */
  readonly createProber: (callbacks: ProberCallbacks) => EndpointProber
  readonly onSignal: (signal: ConnectionSignal) => void
  readonly isOfDatabase: (error: unknown) => boolean
  readonly order: History['order']
}

/** A manager's view of a server that all managers of the process which would ask it the same watch together. */
export class SharedProber implements EndpointProber, SharedProbing, WatchMember {
  readonly database: string
  readonly #server: readonly unknown[]
  readonly #runtime: Runtime
  readonly #access: ServerAccess
  #attendant: Attendant | undefined
  #watch: ServerWatch | undefined
  #alone = false
  #stopped = false

  /** @param server what the answers of the server depend on, without the database */
  constructor(
    runtime: Runtime,
    server: readonly unknown[],
    database: string,
    access: ServerAccess,
  ) {
    this.#runtime = runtime
    this.#server = server
    this.database = database
    this.#access = access
  }

  get shared(): SharedProbing {
    return this
  }

  get attendant(): Attendant | undefined {
    return this.#attendant
  }

  get attending(): boolean {
    return this.#attendant !== undefined
  }

  probe(suspected = false): Promise<ProbeOutcome> {
    if (!this.#stopped) return this.#joined().probe(suspected, this)
    const prober = this.createProber({ onLateAnswer: () => {}, onSignal: () => {} })
    prober.stop()
    return prober.probe()
  }

  forget(): void {
    this.#watch?.forget('all')
  }

  forgetSession(): void {
    this.#watch?.forget('session')
  }

  stop(): void {
    this.#stopped = true
    this.#leaveWatch()
  }

  attend(attendant: Attendant): void {
    if (this.#stopped) return
    this.#attendant = attendant
    this.#joined().hurry(this)
  }

  leave(): void {
    this.#attendant = undefined
    this.#watch?.rest()
  }

  hurry(): void {
    this.#watch?.hurry(this)
  }

  wake(): void {
    this.#watch?.wake(this)
  }

  separate(): boolean {
    if (this.#alone) return false
    this.#alone = true
    this.#leaveWatch()
    if (this.#attendant !== undefined) this.#joined().hurry(this)
    return true
  }

  onSeparated(outcome: ProbeOutcome): void {
    this.separate()
    this.#attendant?.onOutcome(outcome)
  }

  login(login: () => Promise<Role>, freshMs: number): Promise<Role> {
    return this.#joined().login(this, login, freshMs)
  }

  createProber(callbacks: ProberCallbacks): EndpointProber {
    return this.#access.createProber(callbacks)
  }

  onSignal(signal: ConnectionSignal): void {
    if (this.#attendant !== undefined) this.#access.onSignal(signal)
  }

  isOfDatabase(error: unknown): boolean {
    return this.#access.isOfDatabase(error)
  }

  #leaveWatch(): void {
    const watch = this.#watch
    this.#watch = undefined
    watch?.leave(this)
  }

  #joined(): ServerWatch {
    if (this.#watch?.has(this) === true) return this.#watch
    const { clock } = this.#runtime
    const watches = sharedBy<ServerWatch>('watches', clock)
    const key = digestOf(this.#alone ? [...this.#server, this.database] : this.#server)
    let watch = watches.get(key)
    if (watch === undefined) {
      watch = new ServerWatch(clock, this.#access.order, () => watches.delete(key))
      watches.set(key, watch)
    }
    watch.join(this)
    this.#watch = watch
    return watch
  }
}
