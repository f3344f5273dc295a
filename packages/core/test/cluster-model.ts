import type {
  ConnmgrEvent,
  EndpointStatus,
  EventOf,
  Lease,
  ManagerOptions,
  Target,
  TopologySource,
} from '@connmgr/core'
import { type FakeConnection, fakeEndpoint } from '@connmgr/testing'
import type { FailoverCompletedEvent } from '../src/events/events.js'
import type { EndpointState } from '../src/vocabulary/states.js'
import { ClusterWorld } from './cluster-world.js'
import { type Harness, manage } from './harness.js'

/** Everything that a history may choose about the cluster and its manager. */
export interface ClusterOptions {
  readonly servers: number
  readonly seed: number
  readonly mode: 'role' | 'ordered'
  readonly splitBrain: 'refuse' | 'stay'
  readonly autoFailback: boolean
  readonly suspectCount: number
  readonly loginProbeMs: number
  readonly restAfterMs: number
  /** Servers of the cluster that the options do not name: a source does. */
  readonly discovered: number
  readonly rogue: 'none' | 'unknown' | 'foreign'
  readonly manager: Partial<ManagerOptions<FakeConnection>>
}

/** What a caller of `acquire` has been through. */
interface Caller {
  readonly number: number
  readonly target: Target
  readonly controller: AbortController
  readonly dueAt: number
  readonly stalledBefore: number
  state: 'waiting' | 'holding' | 'failed' | 'done'
  lease?: Lease<FakeConnection>
  connection?: FakeConnection
}

/** What the latest probe of a server has shown. */
interface Shown {
  readonly role: string
  readonly writable: boolean
  readonly cluster: string | undefined
  readonly timeline: number
  /** How often an operator had said before that another cluster may be followed. */
  readonly resets: number
}

/** A server of somebody else's, which calls itself the primary, on a timeline far ahead. */
const ROGUE = 'rogue'
const ACQUIRE_TIMEOUT_MS = 3000
const SLACK_MS = 5
const RECOVERY_MS = 15_000
const SERVING: ReadonlySet<EndpointState> = new Set(['UP', 'PROBATION', 'BUSY'])
/** States that an endpoint leaves for UP by way of PROBATION only. */
const DISTRUSTED: ReadonlySet<EndpointState> = new Set([
  'DOWN',
  'STARTING',
  'QUARANTINED',
  'FENCED',
])
const OPERATOR_ERRORS = ['CONNMGR_FAILOVER_FAILED']

/** What was known of an endpoint when a connection to it was lent. */
interface Lent {
  /** Counted in events. */
  readonly at: number
  readonly endpoint?: EndpointStatus
  /** All but its state is of a later moment, as that or the role shows. */
  readonly outdated?: boolean
  /** A primary that refused writes while nobody took them: it served reads. */
  readonly readable?: boolean
}

/** One manager over a cluster under a random history, and what must hold after each step of it. */
export class ClusterModel {
  readonly world: ClusterWorld
  readonly harness: Harness
  readonly #options: ClusterOptions
  readonly #callers: Caller[] = []
  readonly #violations: string[] = []
  readonly #shown = new Map<string, Shown>()
  readonly #states = new Map<string, EndpointState>()
  readonly #distrusted = new Set<string>()
  readonly #held = new Set<string>()
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
  readonly #latestWish = new Map<string, number>()
  #wishes = 0
  /** How things stood with the endpoint of each lease when it was lent. */
  readonly #lent = new Map<number, Lent>()
  /** Connections that were invalidated, and when, counted in events. */
  readonly #retired = new WeakMap<FakeConnection, number>()
  #events = 0
  #highestTimeline = 0
  #cluster: string | undefined
  #clusterState: string
  #resets = 0
  /** Resets that are under way: until they have asked all servers, the cluster that is found may change. */
  #resetting = 0
  #left: string | undefined
  #epoch = 0
  #stalledMs = 0
  #limit: number
  #suspended = false
  /** Callers up to this number want nothing any more. */
  #over = 0
  #served = 0
  #failed = 0
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
      endpoints: this.world.ids.slice(0, options.servers - this.#discovered),
      ...(this.#sourced ? { topology: this.#source } : {}),
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
    this.#clusterState = this.solo ? 'STEADY' : 'DEGRADED'
    this.harness.manager.onAny((event) => this.#heard(event))
  }

  get solo(): boolean {
    return this.#options.servers === 1
  }

  /** The first server stays in the options, so that it can be known which cluster is meant. */
  get #discovered(): number {
    const { discovered, servers } = this.#options
    return this.#sourced ? Math.min(discovered, servers - 1) : 0
  }

  /** Independent servers have no identity that a rogue lacks. */
  get #sourced(): boolean {
    const { discovered, mode, rogue } = this.#options
    return !this.solo && mode === 'role' && (discovered > 0 || rogue !== 'none')
  }

  get waiting(): Caller[] {
    return this.#callers.filter((each) => each.state === 'waiting')
  }

  get holding(): Caller[] {
    return this.#callers.filter((each) => each.state === 'holding')
  }

  get closing(): boolean {
    return this.#closing !== undefined
  }

  acquire(target: Target, timeoutMs: number, aborted = false): Caller {
    const caller: Caller = {
      number: this.#callers.length + 1,
      target,
      controller: new AbortController(),
      dueAt: this.harness.clock.now() + timeoutMs,
      stalledBefore: this.#stalledMs,
      state: 'waiting',
    }
    if (aborted) caller.controller.abort()
    this.#callers.push(caller)
    const { signal } = caller.controller
    this.harness.manager.acquire({ target, timeoutMs, signal }).then(
      (lease) => this.#onServed(caller, lease),
      () => {
        this.#failed += 1
        if (caller.state !== 'waiting') this.#violate(`caller ${caller.number} failed after all`)
        caller.state = 'failed'
      },
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

  quarantine(id: string, on: boolean): void {
    const { manager } = this.harness
    this.#wishes += 1
    const wish = this.#wishes
    this.#latestWish.set(id, wish)
    this.#held.delete(id)
    // It takes effect once the manager has started, unless something else has been asked for meanwhile.
    const isHeld = (): void => {
      if (this.#latestWish.get(id) === wish) this.#held.add(id)
    }
    this.#operate(on ? manager.quarantine(id).then(isHeld) : manager.unquarantine(id))
  }

  failover(to: string | undefined): void {
    this.#operate(this.harness.manager.failover(to))
  }

  reset(): void {
    const { manager } = this.harness
    const done = manager.reset()
    this.#operate(done)
    this.#resetting += 1
    const end = (): void => {
      this.#resetting -= 1
    }
    done.then(end, end)
    // It takes effect once the manager has started, and all servers have been asked.
    const wishes = this.#wishes
    void manager.start().then(() => this.#forgetCluster(wishes))
    done.then(
      () => this.#followAny(),
      () => {},
    )
    this.#forgetCluster(wishes)
  }

  close(): void {
    this.#closing ??= this.harness.manager.close({ drainTimeoutMs: 500 })
  }

  /** What must hold at every moment in which nothing is about to happen. */
  async check(): Promise<void> {
    await this.harness.clock.settle()
    const { clock, manager } = this.harness
    const metrics = manager.getPoolMetrics()
    const held = this.holding.filter((each) => each.connection?.open === true)
    if (!this.closing || metrics.checkedOut > held.length)
      this.#equal('checkedOut', metrics.checkedOut, held.length)
    this.#equal('waiting', metrics.waiting, this.waiting.length)
    this.#equal('totalCheckouts', metrics.totalCheckouts, this.#served)
    this.#equal('failedCheckouts', metrics.failedCheckouts, this.#failed)
    this.#equal('owners', new Set(held.map((each) => each.connection)).size, held.length)
    for (const { number, dueAt, stalledBefore } of this.waiting) {
      const lateMs = clock.now() - dueAt - (this.#stalledMs - stalledBefore)
      if (lateMs > SLACK_MS) this.#violate(`caller ${number} waits ${lateMs} ms after its deadline`)
    }
    const { stormOf } = this.world
    if (stormOf !== undefined) this.#violate(`a storm of calls, the last ${stormOf}`)
    if (!this.closing) this.#checkStatus()
    if (this.#violations.length > 0) throw new Error(this.#violations.join('; '))
  }

  /** Everything is mended, so everybody must be served again; then everything closes, so nothing may be left. */
  async finish(): Promise<void> {
    const { clock, driver, manager } = this.harness
    const primary = this.world.heal()
    this.#over = this.#callers.length
    for (const caller of this.holding) this.end(caller, 'release')
    if (!this.closing) await this.#recover(primary)
    this.close()
    await clock.advance(RECOVERY_MS)
    await this.#closing
    await this.check()
    this.#equal('callers left waiting', this.waiting.length, 0)
    this.#equal('total after close', manager.getCounts().total, 0)
    this.#equal('connections left open', driver.open.length, 0)
    for (const id of [...this.world.ids, ROGUE])
      this.#equal(`probes left open to ${id}`, this.world.server(id).probes, 0)
    this.#equal('timers left', clock.pendingTimers, 0)
    if (this.#violations.length > 0) throw new Error(this.#violations.join('; '))
  }

  async #recover(primary: string): Promise<void> {
    const { clock, manager } = this.harness
    this.suspend(false)
    // What operators have asked for comes to its end first.
    await clock.advance(2000)
    for (const id of this.#held) this.quarantine(id, false)
    if (this.world.sawForeign) this.reset()
    const callers: Caller[] = []
    for (let index = 0; index < this.#limit; index += 1)
      callers.push(this.acquire('primary', RECOVERY_MS - 1))
    await clock.advance(RECOVERY_MS)
    await this.check()
    const holding = callers.filter((each) => each.state === 'holding')
    this.#equal('callers that hold a connection at once', holding.length, this.#limit)
    const status = manager.getFailoverStatus()
    this.#equal('state', status.state, 'STEADY')
    if (this.#options.mode === 'role') this.#equal('writer', status.activeEndpoint, primary)
    for (const { id, state } of status.endpoints) {
      if (id !== ROGUE && state !== 'UP' && state !== 'PROBATION')
        this.#violate(`${id} is ${state} for ever`)
    }
    for (const caller of holding) this.end(caller, 'release')
    // A standby that has just come back gets no reads yet.
    const left = this.waiting.filter((each) => each.target !== 'standby')
    this.#equal('callers left behind', left.length, 0)
    if (status.endpoints.some((each) => each.state === 'UP' && each.role === 'standby')) {
      const reader = this.acquire('standby', RECOVERY_MS)
      await clock.advance(3000)
      this.#equal('a reader', reader.state, 'holding')
      this.end(reader, 'release')
      this.#equal('readers left behind', this.waiting.length, 0)
    }
    await this.check()
  }

  #checkStatus(): void {
    const status = this.harness.manager.getFailoverStatus()
    const active = status.endpoints.filter((each) => each.active)
    if (status.epoch < this.#epoch) this.#violate('the epoch went back')
    this.#equal('cluster state', status.state, this.#clusterState)
    if (this.solo) return
    this.#equal('connections to a rogue', this.world.server(ROGUE).connections.length, 0)
    this.#equal('writers', active.length, status.state === 'STEADY' ? 1 : 0)
    for (const { id } of active) this.#checkWriter(id)
    for (const { id, state } of status.endpoints) {
      if (state !== 'DOWN') continue
      // Connections to which goodbye is being said belong to no pool any more.
      const { checkedIn, checkedOut } = this.harness.manager.getPoolMetrics(id)
      this.#equal(`connections to ${id}, which is DOWN,`, checkedIn + checkedOut, 0)
    }
  }

  /** What was shown of the server must make it the writer. */
  #checkWriter(id: string): void {
    if (this.#options.mode === 'ordered') return
    const shown = this.#shown.get(id)
    if (shown === undefined) {
      this.#violate(`the writer ${id} has never been seen`)
      return
    }
    if (shown.role !== 'primary') this.#violate(`the writer ${id} is a ${shown.role}`)
    if (!shown.writable) this.#violate(`the writer ${id} refuses writes`)
    // Whether it is followed from now on is decided when it has been asked again.
    if (shown.resets < this.#resets) return
    if (shown.timeline < this.#highestTimeline)
      this.#violate(
        `the writer ${id} is on timeline ${shown.timeline}, and ${this.#highestTimeline} is known`,
      )
    this.#highestTimeline = Math.max(this.#highestTimeline, shown.timeline)
    if (this.#resetting > 0) this.#cluster = undefined
    this.#cluster ??= shown.cluster
    if (shown.cluster !== this.#cluster) this.#violate(`the writer ${id} is of another cluster`)
  }

  #onServed(caller: Caller, lease: Lease<FakeConnection>): void {
    const { connection } = lease
    const { number, target } = caller
    if (caller.state !== 'waiting') this.#violate(`caller ${number} was served after all`)
    const earlier = this.waiting.find((each) => each.number < number && each.target === target)
    if (earlier !== undefined && (target === 'primary' || this.solo))
      this.#violate(`caller ${number} was served before caller ${earlier.number}`)
    if (this.holding.some((each) => each.connection === connection))
      this.#violate(`connection ${connection.id} was lent twice`)
    if (connection.open && connection.condition !== 'clean')
      this.#violate(`connection ${connection.id} was lent ${connection.condition}`)
    const lent = this.#lent.get(lease.id)
    if ((this.#retired.get(connection) ?? Number.POSITIVE_INFINITY) < (lent?.at ?? 0))
      this.#violate(`connection ${connection.id} was lent after it had been invalidated`)
    if (this.#suspended) this.#violate(`caller ${number} was served by a suspended manager`)
    if (!this.solo) this.#checkRoute(target, lent, number)
    caller.state = 'holding'
    caller.lease = lease
    caller.connection = connection
    this.#served += 1
    if (number <= this.#over) this.end(caller, 'release')
  }

  #checkRoute(target: Target, lent: Lent | undefined, number: number): void {
    const { endpoint, outdated } = lent ?? {}
    if (endpoint === undefined) {
      this.#violate(`caller ${number} was served without an event`)
      return
    }
    const { active, id, lagging, role, state } = endpoint
    const reads = role === 'standby' && state === 'UP' && !lagging
    if (!SERVING.has(state)) this.#violate(`caller ${number} was sent to ${id}, which is ${state}`)
    // Its role and the writer may have changed with its state since.
    if (outdated === true) return
    const fit = target === 'primary' ? active : target === 'standby' ? reads : active || reads
    if (!fit && (target === 'standby' || target === 'primary' || lent?.readable !== true))
      this.#violate(`caller ${number} for ${target} was sent to ${id}, ${state} as ${role}`)
    if (this.#held.has(id)) this.#violate(`caller ${number} was sent to ${id}, out of service`)
    if (active) this.#checkWriter(id)
  }

  #heard(event: ConnmgrEvent): void {
    this.#events += 1
    switch (event.type) {
      case 'healthCheckCompleted':
        if (event.healthy && event.refused !== true) this.#saw(event.endpoint, event.role)
        break
      case 'connectionAcquired':
        this.#lent.set(event.leaseId, { at: this.#events, ...this.#statusWhenLent(event.endpoint) })
        break
      case 'poolCleared':
        this.#retire(event.endpoint)
        break
      case 'endpointStateChanged':
        this.#onState(event)
        break
      case 'topologyChanged':
        // What comes back begins anew.
        for (const id of event.added) {
          this.#states.delete(id)
          this.#distrusted.delete(id)
        }
        break
      case 'clusterStateChanged':
        this.#equal('cluster state before the change', event.from, this.#clusterState)
        if (event.to === event.from) this.#violate('no change of the cluster state')
        this.#clusterState = event.to
        break
      case 'failoverStarted':
        if (event.endpoint === undefined) this.#violate('a failover from nowhere')
        else this.#retire(event.endpoint)
        this.#left = event.endpoint
        break
      case 'failoverCompleted':
      case 'switchoverCompleted':
      case 'failbackCompleted':
        this.#onMoved(event)
        break
    }
  }

  /** None of the connections that are open to it now is to be lent again. */
  #retire(id: string): void {
    for (const each of this.world.server(id).connections)
      if (!this.#retired.has(each)) this.#retired.set(each, this.#events)
  }

  /** Events come in order, but some time after what they tell of: the status may be of what has happened since. */
  #statusWhenLent(id: string): Omit<Lent, 'at'> {
    const { endpoints } = this.harness.manager.getFailoverStatus()
    const endpoint = endpoints.find((each) => each.id === id)
    if (endpoint === undefined) return {}
    const state = this.#states.get(id) ?? 'UNKNOWN'
    const role = this.#shown.get(id)?.role ?? endpoint.role
    return {
      endpoint: { ...endpoint, state },
      outdated: endpoint.state !== state || endpoint.role !== role,
      readable: state === 'UP' && this.#hadNoWriter(endpoints) && this.#isReadOnly(id),
    }
  }

  /** By the events so far, or as things stand. */
  #hadNoWriter(endpoints: readonly EndpointStatus[]): boolean {
    const lost = this.#clusterState !== 'STEADY' || this.#left !== undefined
    return lost || endpoints.every(({ active }) => !active)
  }

  #isReadOnly(id: string): boolean {
    const { role, timeline = 0, writable = true } = this.#shown.get(id) ?? {}
    return role === 'primary' && !writable && timeline >= this.#highestTimeline
  }

  #saw(id: string, role: string): void {
    const { cluster, timeline = 0, writable } = this.world.server(id)
    this.#shown.set(id, { role, cluster, timeline, writable, resets: this.#resets })
  }

  #onState({ endpoint, from, to }: EventOf<'endpointStateChanged'>): void {
    this.#equal(`state of ${endpoint} before`, from, this.#states.get(endpoint) ?? 'UNKNOWN')
    this.#states.set(endpoint, to)
    if (from === to) this.#violate(`no change of the state of ${endpoint}`)
    if (to === 'UP' && this.#distrusted.has(endpoint))
      this.#violate(`${endpoint} is trusted at once after it was ${from}`)
    if (DISTRUSTED.has(to)) this.#distrusted.add(endpoint)
    // Nobody is sent to one that is unproven, but how long it answers is counted.
    else if (to === 'PROBATION' || to === 'UNKNOWN' || to === 'UNPROVEN')
      this.#distrusted.delete(endpoint)
  }

  #onMoved({ endpoint, epoch, from }: FailoverCompletedEvent): void {
    this.#equal('the endpoint that was left', from, this.#left)
    if (endpoint === from) this.#violate(`moved from ${endpoint} to itself`)
    this.#equal('epoch', epoch, this.#epoch + 1)
    this.#epoch = epoch
    this.#left = undefined
  }

  /** @param wishes how many quarantines had been asked for or ended before */
  #forgetCluster(wishes: number): void {
    this.#followAny()
    this.#held.clear()
    for (const [id, wish] of this.#latestWish) if (wish <= wishes) this.#latestWish.delete(id)
  }

  /** Whatever cluster and timeline are seen next may be followed. */
  #followAny(): void {
    this.#resets += 1
    this.#highestTimeline = 0
    this.#cluster = undefined
  }

  /** What an operator asks for may be refused, but only in words meant for it. */
  #operate(asked: Promise<unknown>): void {
    asked.catch((error: { code?: string; message: string }) => {
      if (!OPERATOR_ERRORS.includes(error.code ?? '')) this.#violate(`refused: ${error.message}`)
    })
  }

  #equal<T>(what: string, actual: T, expected: T): void {
    if (actual !== expected) this.#violate(`${what} is ${actual}, should be ${expected}`)
  }

  #violate(what: string): void {
    this.#violations.push(what)
  }
}
