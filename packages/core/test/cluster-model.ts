import type { Lease, Target, TopologySource } from '@connmgr/core'
import { type FakeConnection, fakeEndpoint } from '@connmgr/testing'
import type { EndpointState } from '../src/vocabulary/states.js'
import { ClusterOperator } from './cluster-operator.js'
import type { ClusterOptions } from './cluster-options.js'
import { ClusterRecord, type Lent } from './cluster-record.js'
import { ClusterWorld } from './cluster-world.js'
import { type Harness, manage } from './harness.js'
import { type Caller as AnyCaller, Callers } from './model-callers.js'
import { Violations } from './violations.js'

interface Caller extends AnyCaller {
  readonly target: Target
  readonly dueAt: number
  readonly stalledBefore: number
}

/** A server of another owner, which calls itself the primary, on a timeline far ahead. */
const ROGUE = 'rogue'
const ACQUIRE_TIMEOUT_MS = 3000
const SLACK_MS = 5
const RECOVERY_MS = 15_000
const SERVING: ReadonlySet<EndpointState> = new Set(['UP', 'PROBATION', 'BUSY'])

/** One manager over a cluster under a random history, and what must hold after each step of it. */
export class ClusterModel {
  readonly world: ClusterWorld
  readonly harness: Harness
  readonly operator: ClusterOperator
  readonly #options: ClusterOptions
  readonly #violations = new Violations()
  readonly #callers = new Callers<Caller>(this.#violations)
  readonly #record: ClusterRecord
  /** Whether the source names the rogue. */
  rogueNamed = true
  readonly #source: TopologySource = {
    name: 'model',
    refreshMs: 700,
    timeoutMs: 200,
    discover: async () => ({
      endpoints: [...(this.rogueNamed ? [ROGUE] : []), ...this.world.ids].map(fakeEndpoint),
      ...(this.rogueNamed ? { primary: ROGUE } : {}),
    }),
  }
  #stalledMs = 0
  #limit: number
  #suspended = false
  /** Callers up to this number want nothing any more. */
  #over = 0
  #closing: Promise<void> | undefined

  constructor(options: ClusterOptions) {
    this.#options = options
    this.#limit = (options.manager.poolSize ?? 0) + (options.manager.maxOverflow ?? 0)
    this.world = new ClusterWorld(options.servers, options.mode === 'ordered', options.seed)
    this.harness = manage({
      healthMonitoring: { restAfterMs: options.restAfterMs },
      acquireTimeoutMs: ACQUIRE_TIMEOUT_MS,
      connectTimeoutMs: 400,
      validateTimeoutMs: 300,
      resetTimeoutMs: 300,
      closeTimeoutMs: 300,
      ...options.manager,
      endpoints: this.world.ids.slice(0, options.servers - this.#discovered()),
      ...(this.#sourced() ? { topology: this.#source } : {}),
      failover: {
        mode: options.mode,
        splitBrain: options.splitBrain,
        autoFailback: options.autoFailback,
        suspectCount: options.suspectCount,
        loginProbeMs: options.loginProbeMs,
        failbackStableMs: 1000,
        failbackSuccesses: 2,
        maxLagMs: 2000,
        failoverTimeoutMs: 2000,
        retryAttempts: 2,
      },
      prepare: (driver) => {
        this.world.prepare(driver)
        const cluster = options.rogue === 'foreign' ? 'rogue' : undefined
        Object.assign(driver.server(ROGUE), { cluster, timeline: 1_000_000 })
      },
    })
    const { manager } = this.harness
    const state = this.solo ? 'STEADY' : 'DEGRADED'
    this.#record = new ClusterRecord(this.world, this.#violations, state, () =>
      manager.getFailoverStatus(),
    )
    this.operator = new ClusterOperator(() => manager, this.#record, this.#violations)
    manager.onAny((event) => this.#record.add(event))
  }

  get solo(): boolean {
    return this.#options.servers === 1
  }

  /** The first server stays in the options, so that it can be known which cluster is meant. */
  #discovered(): number {
    const { discovered, servers } = this.#options
    return this.#sourced() ? Math.min(discovered, servers - 1) : 0
  }

  /** Independent servers have no identity that a rogue lacks. */
  #sourced(): boolean {
    const { discovered, mode, rogue } = this.#options
    return !this.solo && mode === 'role' && (discovered > 0 || rogue !== 'none')
  }

  get waiting(): Caller[] {
    return this.#callers.waiting
  }

  get holding(): Caller[] {
    return this.#callers.holding
  }

  get closing(): boolean {
    return this.#closing !== undefined
  }

  acquire(target: Target, timeoutMs: number, aborted = false): Caller {
    const caller: Caller = {
      number: this.#callers.latest + 1,
      target,
      controller: new AbortController(),
      dueAt: this.harness.clock.now() + timeoutMs,
      stalledBefore: this.#stalledMs,
      state: 'waiting',
    }
    if (aborted) caller.controller.abort()
    this.#callers.add(caller)
    const { signal } = caller.controller
    this.harness.manager.acquire({ target, timeoutMs, signal }).then(
      (lease) => this.#onServed(caller, lease),
      () => this.#callers.fail(caller),
    )
    return caller
  }

  end(caller: Caller, how: 'release' | 'destroy'): void {
    caller.state = 'done'
    caller.lease?.[how]()
  }

  query(caller: Caller, text: string): void {
    caller.connection?.query(text).catch(() => {})
  }

  stall(ms: number): void {
    this.#stalledMs += ms
    this.harness.clock.stall(ms)
  }

  suspend(on: boolean): void {
    this.#suspended = on
    if (on) this.harness.manager.suspend()
    else this.harness.manager.resume()
  }

  resize(poolSize: number, maxOverflow: number): void {
    this.#limit = poolSize + maxOverflow
    this.harness.manager.resize({ poolSize, maxOverflow })
  }

  close(): void {
    this.#closing ??= this.harness.manager.close({ drainTimeoutMs: 500 })
  }

  /** What must hold at every moment in which nothing is about to happen. */
  async check(): Promise<void> {
    await this.harness.clock.settle()
    const { clock, manager } = this.harness
    this.#callers.check(manager.getPoolMetrics(), this.closing)
    for (const { number, dueAt, stalledBefore } of this.waiting) {
      const lateMs = clock.now() - dueAt - (this.#stalledMs - stalledBefore)
      if (lateMs > SLACK_MS)
        this.#violations.add(`caller ${number} waits ${lateMs} ms after its deadline`)
    }
    const { stormOf } = this.world
    if (stormOf !== undefined) this.#violations.add(`a storm of calls, the last ${stormOf}`)
    if (!this.closing) this.#checkStatus()
    this.#violations.assertNone()
  }

  /** Everything is mended, so every caller must be served again; then everything closes, so nothing may be left. */
  async finish(): Promise<void> {
    const { clock, driver, manager } = this.harness
    const primary = this.world.heal()
    this.#over = this.#callers.latest
    for (const caller of this.holding) this.end(caller, 'release')
    if (!this.closing) await this.#recover(primary)
    this.close()
    await clock.advance(RECOVERY_MS)
    await this.#closing
    await this.check()
    this.#violations.equal('callers left waiting', this.waiting.length, 0)
    this.#violations.equal('total after close', manager.getCounts().total, 0)
    this.#violations.equal('connections left open', driver.open.length, 0)
    for (const id of [...this.world.ids, ROGUE])
      this.#violations.equal(`probes left open to ${id}`, this.world.server(id).probes, 0)
    this.#violations.equal('timers left', clock.pendingTimers, 0)
    this.#violations.assertNone()
  }

  async #recover(primary: string): Promise<void> {
    const { clock, manager } = this.harness
    this.suspend(false)
    // What operators have asked for comes to its end first.
    await clock.advance(2000)
    for (const id of this.operator.held) this.operator.quarantine(id, false)
    if (this.world.sawForeign) this.operator.reset()
    const callers: Caller[] = []
    for (let index = 0; index < this.#limit; index += 1)
      callers.push(this.acquire('primary', RECOVERY_MS - 1))
    await clock.advance(RECOVERY_MS)
    await this.check()
    const holding = callers.filter((each) => each.state === 'holding')
    this.#violations.equal('callers that hold a connection at once', holding.length, this.#limit)
    const status = manager.getFailoverStatus()
    this.#violations.equal('state', status.state, 'STEADY')
    if (this.#options.mode === 'role')
      this.#violations.equal('writer', status.activeEndpoint, primary)
    for (const { id, state } of status.endpoints) {
      if (id !== ROGUE && state !== 'UP' && state !== 'PROBATION')
        this.#violations.add(`${id} is ${state} for ever`)
    }
    for (const caller of holding) this.end(caller, 'release')
    // A standby that has just come back gets no reads yet.
    const left = this.waiting.filter((each) => each.target !== 'standby')
    this.#violations.equal('callers left behind', left.length, 0)
    if (status.endpoints.some((each) => each.state === 'UP' && each.role === 'standby')) {
      const reader = this.acquire('standby', RECOVERY_MS)
      await clock.advance(3000)
      this.#violations.equal('a reader', reader.state, 'holding')
      this.end(reader, 'release')
      this.#violations.equal('readers left behind', this.waiting.length, 0)
    }
    await this.check()
  }

  #checkStatus(): void {
    const status = this.harness.manager.getFailoverStatus()
    const active = status.endpoints.filter((each) => each.active)
    if (status.epoch < this.#record.epoch) this.#violations.add('the epoch went back')
    this.#violations.equal('cluster state', status.state, this.#record.clusterState)
    if (this.solo) return
    this.#violations.equal('connections to a rogue', this.world.server(ROGUE).connections.length, 0)
    this.#violations.equal('writers', active.length, status.state === 'STEADY' ? 1 : 0)
    for (const { id } of active) this.#checkWriter(id)
    for (const { id, state } of status.endpoints) {
      if (state !== 'DOWN') continue
      // Connections that are being closed belong to no pool any more.
      const { checkedIn, checkedOut } = this.harness.manager.getPoolMetrics(id)
      this.#violations.equal(`connections to ${id}, which is DOWN,`, checkedIn + checkedOut, 0)
    }
  }

  #checkWriter(id: string): void {
    if (this.#options.mode !== 'ordered') this.#record.checkWriter(id)
  }

  #onServed(caller: Caller, lease: Lease<FakeConnection>): void {
    const { connection } = lease
    const { number, target } = caller
    this.#callers.serve(
      caller,
      lease,
      (earlier) => earlier.target === target && (target === 'primary' || this.solo),
    )
    const lent = this.#record.lentAs(lease.id)
    if (this.#record.wasRetired(connection, lent))
      this.#violations.add(`connection ${connection.id} was lent after it had been invalidated`)
    if (this.#suspended) this.#violations.add(`caller ${number} was served by a suspended manager`)
    if (!this.solo) this.#checkRoute(target, lent, number)
    if (number <= this.#over) this.end(caller, 'release')
  }

  #checkRoute(target: Target, lent: Lent | undefined, number: number): void {
    const { endpoint, outdated } = lent ?? {}
    if (endpoint === undefined) {
      this.#violations.add(`caller ${number} was served without an event`)
      return
    }
    const { active, id, lagging, role, state } = endpoint
    const reads = role === 'standby' && state === 'UP' && !lagging
    if (!SERVING.has(state))
      this.#violations.add(`caller ${number} was sent to ${id}, which is ${state}`)
    // Its role and the writer may have changed with its state since.
    if (outdated === true) return
    const fit = target === 'primary' ? active : target === 'standby' ? reads : active || reads
    if (!fit && (target === 'standby' || target === 'primary' || lent?.readable !== true))
      this.#violations.add(`caller ${number} for ${target} was sent to ${id}, ${state} as ${role}`)
    if (this.operator.held.has(id))
      this.#violations.add(`caller ${number} was sent to ${id}, out of service`)
    if (active) this.#checkWriter(id)
  }
}
