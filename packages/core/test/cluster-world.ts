import {
  type FakeCall,
  type FakeDriver,
  type FakeMethod,
  type FakeOutcome,
  type FakeServer,
  fakeEndpoint,
} from '@connmgr/testing'

/** Calls of the driver that a history may slow down or let fail. */
export const CALLS = [
  'connect',
  'openProbe',
  'probe',
  'validate',
  'query',
  'rollback',
  'close',
] as const satisfies readonly FakeMethod[]
export type Failing = (typeof CALLS)[number]

const SYSTEM = 'system-1'
/** Calls of the driver in one moment, far more than there are connections to open and questions to ask. */
const STORM = 300

/** The servers of a replicated cluster and what befalls them, as an orchestrator, an operator or nature would have it. */
export class ClusterWorld {
  readonly ids: readonly string[]
  /** Once a server of another cluster has been there, an operator may have to say which one is meant. */
  sawForeign = false
  /** A call that is repeated without a pause. */
  stormOf: string | undefined
  /** The servers know nothing of each other: each is a primary for itself. */
  readonly #independent: boolean
  #driver!: FakeDriver
  /** What the next calls come to, one each, by call and server. */
  readonly #scripted = new Map<string, FakeOutcome[]>()
  /** How long calls take on each server. */
  readonly #latencyMs = new Map<string, number>()
  readonly #paused = new Set<string>()
  #storm = 0
  #stormAt = 0
  #newest = 1
  #written = 0n
  #starts = 0
  #randomState: number

  constructor(count: number, independent: boolean, seed: number) {
    this.ids = ['a', 'b', 'c', 'd'].slice(0, count)
    this.#independent = independent
    this.#randomState = seed
  }

  /** Of a cluster the first server is the primary, all others are its standbys. */
  prepare(driver: FakeDriver): void {
    this.#driver = driver
    for (const id of this.ids) {
      const primary = id === 'a' || this.#independent
      this.server(id).role = primary ? 'primary' : 'standby'
      this.server(id).writable = primary
      this.#started(id)
    }
    for (const method of CALLS) driver.always(method, (call) => this.#outcomeOf(method, call))
  }

  server(id: string): FakeServer {
    return this.#driver.server(fakeEndpoint(id))
  }

  script(method: Failing, id: string, outcome: FakeOutcome): void {
    const key = `${method} ${id}`
    this.#scripted.set(key, [...(this.#scripted.get(key) ?? []), outcome])
  }

  slow(id: string, ms: number): void {
    this.#latencyMs.set(id, ms)
  }

  crash(id: string): void {
    this.server(id).crash()
  }

  /** In whatever role it was, and on the timeline that it knows. */
  start(id: string): void {
    if (this.server(id).state !== 'down') return
    this.server(id).start()
    this.#started(id)
  }

  restart(id: string): void {
    this.crash(id)
    this.start(id)
  }

  freeze(id: string): void {
    if (this.server(id).state !== 'down') this.server(id).hang()
  }

  thaw(id: string): void {
    if (this.server(id).state === 'hung') this.server(id).resume()
  }

  /** It runs, but opens no sessions: it starts or ends, has no room, or rejects the credentials. */
  refuse(id: string, how: 'starting' | 'full' | 'denied'): void {
    if (this.server(id).state === 'up') this.server(id).state = how
  }

  admit(id: string): void {
    const server = this.server(id)
    if (server.state !== 'down' && server.state !== 'hung') server.state = 'up'
  }

  /** It lets in so many connections, those of probes too. */
  limit(id: string, room: number): void {
    this.server(id).room = room
  }

  terminate(id: string): void {
    this.server(id).terminateAll()
  }

  /** `carelessly`: without regard to the other promotions, so that two servers may end up on the same timeline. */
  promote(id: string, carelessly: boolean): void {
    const server = this.server(id)
    if (server.role !== 'standby' || server.state === 'down') return
    if (!carelessly) server.timeline = this.#newest
    server.promote()
    this.#newest = Math.max(this.#newest, server.timeline ?? 0)
    if (carelessly) return
    for (const each of this.#standbys()) each.timeline = this.#newest
  }

  /** It is rewound, and follows the newest primary. */
  demote(id: string): void {
    const server = this.server(id)
    if (server.state === 'down' || this.#independent) return
    server.demote()
    server.timeline = this.#newest
    server.position = this.#written
    this.#started(id)
  }

  /** A primary that refuses writes (`default_transaction_read_only`). */
  refuseWrites(id: string, on: boolean): void {
    const server = this.server(id)
    if (server.role === 'primary') server.writable = !on
  }

  /** Another cluster's server answers at this address, or ours again. */
  replace(id: string, foreign: boolean): void {
    this.server(id).terminateAll()
    this.server(id).cluster = foreign ? 'system-2' : SYSTEM
    this.sawForeign ||= foreign
  }

  /** Every primary goes on, and all standbys follow that replay. */
  write(): void {
    this.#written += 100n
    for (const id of this.ids) {
      if (!this.#paused.has(id)) this.server(id).position = this.#written
    }
  }

  pauseReplay(id: string, on: boolean): void {
    if (on) this.#paused.add(id)
    else this.#paused.delete(id)
  }

  /** Everything works again, with one primary and no other claim. Returns the primary. */
  heal(): string {
    this.#scripted.clear()
    this.#latencyMs.clear()
    this.#paused.clear()
    const timelineOf = (id: string): number => this.server(id).timeline ?? 0
    const primary = this.ids.reduce((best, id) => (timelineOf(id) > timelineOf(best) ? id : best))
    this.#newest = Math.max(this.#newest, timelineOf(primary)) + 1
    this.#written += 100n
    for (const id of this.ids) {
      const server = this.server(id)
      if (server.cluster !== SYSTEM) this.replace(id, false)
      this.start(id)
      this.thaw(id)
      this.admit(id)
      server.room = Number.POSITIVE_INFINITY
      if (id !== primary) this.demote(id)
      else if (server.role === 'standby') server.promote()
      server.timeline = this.#newest
      server.position = this.#written
      server.writable = server.role === 'primary'
    }
    return primary
  }

  #standbys(): FakeServer[] {
    return this.ids.map((id) => this.server(id)).filter(({ role }) => role === 'standby')
  }

  /** No two servers start in the same microsecond. */
  #started(id: string): void {
    this.#starts += 1
    this.server(id).startedAt = `${id}, start ${this.#starts}`
  }

  #outcomeOf(method: Failing, { at, endpoint: { id } }: FakeCall): FakeOutcome {
    this.#storm = at === this.#stormAt ? this.#storm + 1 : 0
    this.#stormAt = at
    if (this.#storm > STORM) {
      this.stormOf = `${method} at ${id}`
      // It would never end.
      return { afterMs: 1000 }
    }
    const scripted = this.#scripted.get(`${method} ${id}`)?.shift()
    if (scripted !== undefined) return scripted
    const latencyMs = this.#latencyMs.get(id) ?? 0
    return latencyMs === 0 ? 'succeed' : { afterMs: latencyMs * (0.5 + this.#random()) }
  }

  #random(): number {
    this.#randomState = (Math.imul(this.#randomState, 1664525) + 1013904223) >>> 0
    return this.#randomState / 2 ** 32
  }
}
