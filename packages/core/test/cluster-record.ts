import type { ConnmgrEvent, EndpointStatus, EventOf, FailoverStatus } from '@connmgr/core'
import type { FakeConnection } from '@connmgr/testing'
import type { FailoverCompletedEvent } from '../src/events/cluster-events.js'
import type { EndpointState } from '../src/vocabulary/states.js'
import type { ClusterWorld } from './cluster-world.js'
import type { Violations } from './violations.js'

/** What the latest probe of a server has shown. */
interface Shown {
  readonly role: string
  readonly writable: boolean
  readonly cluster: string | undefined
  readonly timeline: number
  /** How often an operator had said before that another cluster may be followed. */
  readonly resets: number
}

/** What was known of an endpoint when a connection to it was lent. */
export interface Lent {
  /** Counted in events. */
  readonly at: number
  readonly endpoint?: EndpointStatus
  /** All but its state is of a later moment, as that or the role shows. */
  readonly outdated?: boolean
  /** A primary that refused writes while no server took them: it served reads. */
  readonly readable?: boolean
}

/** States that an endpoint leaves for UP by way of PROBATION only. */
const DISTRUSTED: ReadonlySet<EndpointState> = new Set([
  'DOWN',
  'STARTING',
  'QUARANTINED',
  'FENCED',
])

/** What the events of a manager have said of its cluster, each held against those before it. */
export class ClusterRecord {
  readonly #world: ClusterWorld
  readonly #violations: Violations
  readonly #status: () => FailoverStatus
  readonly #shown = new Map<string, Shown>()
  readonly #states = new Map<string, EndpointState>()
  readonly #distrusted = new Set<string>()
  /** How things stood with the endpoint of each lease when it was lent. */
  readonly #lent = new Map<number, Lent>()
  /** Connections that were invalidated, and when, counted in events. */
  readonly #retired = new WeakMap<FakeConnection, number>()
  #events = 0
  #highestTimeline = 0
  #cluster: string | undefined
  #clusterState: string
  #left: string | undefined
  #epoch = 0
  #resets = 0
  /** Resets that are under way: until they have asked all servers, the cluster that is found may change. */
  #resetting = 0

  constructor(
    world: ClusterWorld,
    violations: Violations,
    state: string,
    status: () => FailoverStatus,
  ) {
    this.#world = world
    this.#violations = violations
    this.#clusterState = state
    this.#status = status
  }

  get clusterState(): string {
    return this.#clusterState
  }

  get epoch(): number {
    return this.#epoch
  }

  lentAs(leaseId: number): Lent | undefined {
    return this.#lent.get(leaseId)
  }

  /** Whether a connection had been invalidated before it was lent. */
  wasRetired(connection: FakeConnection, lent: Lent | undefined): boolean {
    return (this.#retired.get(connection) ?? Number.POSITIVE_INFINITY) < (lent?.at ?? 0)
  }

  /** Any cluster and timeline that are seen next may be followed. */
  followAny(): void {
    this.#resets += 1
    this.#highestTimeline = 0
    this.#cluster = undefined
  }

  /** An operator resets the cluster. */
  resetting(done: Promise<void>): void {
    this.#resetting += 1
    const end = (): void => {
      this.#resetting -= 1
    }
    done.then(end, end)
  }

  /** The probes of the server must make it the writer. */
  checkWriter(id: string): void {
    const shown = this.#shown.get(id)
    if (shown === undefined) {
      this.#violations.add(`the writer ${id} has never been seen`)
      return
    }
    if (shown.role !== 'primary') this.#violations.add(`the writer ${id} is a ${shown.role}`)
    if (!shown.writable) this.#violations.add(`the writer ${id} refuses writes`)
    // Whether it is followed from now on is decided when it has been asked again.
    if (shown.resets < this.#resets) return
    if (shown.timeline < this.#highestTimeline)
      this.#violations.add(
        `the writer ${id} is on timeline ${shown.timeline}, and ${this.#highestTimeline} is known`,
      )
    this.#highestTimeline = Math.max(this.#highestTimeline, shown.timeline)
    if (this.#resetting > 0) this.#cluster = undefined
    this.#cluster ??= shown.cluster
    if (shown.cluster !== this.#cluster)
      this.#violations.add(`the writer ${id} is of another cluster`)
  }

  add(event: ConnmgrEvent): void {
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
        this.#violations.equal('cluster state before the change', event.from, this.#clusterState)
        if (event.to === event.from) this.#violations.add('no change of the cluster state')
        this.#clusterState = event.to
        break
      case 'failoverStarted':
        if (event.endpoint === undefined) this.#violations.add('a failover from nowhere')
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

  #saw(id: string, role: string): void {
    const { cluster, timeline = 0, writable } = this.#world.server(id)
    this.#shown.set(id, { role, cluster, timeline, writable, resets: this.#resets })
  }

  /** Events come in order, but some time after what they tell of: the status may be of what has happened since. */
  #statusWhenLent(id: string): Omit<Lent, 'at'> {
    const { endpoints } = this.#status()
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

  /** None of the connections that are open to it now is to be lent again. */
  #retire(id: string): void {
    for (const each of this.#world.server(id).connections)
      if (!this.#retired.has(each)) this.#retired.set(each, this.#events)
  }

  #onState({ endpoint, from, to }: EventOf<'endpointStateChanged'>): void {
    const before = this.#states.get(endpoint) ?? 'UNKNOWN'
    this.#violations.equal(`state of ${endpoint} before`, from, before)
    this.#states.set(endpoint, to)
    if (from === to) this.#violations.add(`no change of the state of ${endpoint}`)
    if (to === 'UP' && this.#distrusted.has(endpoint))
      this.#violations.add(`${endpoint} is trusted at once after it was ${from}`)
    if (DISTRUSTED.has(to)) this.#distrusted.add(endpoint)
    // No caller is sent to one that is unproven, but how long it answers is counted.
    else if (to === 'PROBATION' || to === 'UNKNOWN' || to === 'UNPROVEN')
      this.#distrusted.delete(endpoint)
  }

  #onMoved({ endpoint, epoch, from }: FailoverCompletedEvent): void {
    this.#violations.equal('the endpoint that was left', from, this.#left)
    if (endpoint === from) this.#violations.add(`moved from ${endpoint} to itself`)
    this.#violations.equal('epoch', epoch, this.#epoch + 1)
    this.#epoch = epoch
    this.#left = undefined
  }
}
