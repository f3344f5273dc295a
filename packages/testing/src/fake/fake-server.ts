import type { MissingRight, Role } from '@connmgr/core'
import type { Place, ProbeResult } from '@connmgr/core/driver'
import type { FakeConnection } from './fake-connection.js'
import { FakeError, type FakeOutcome } from './outcome.js'

/**
 * - `up`: answers
 * - `down`: refuses connections
 * - `hung`: accepts everything and answers nothing
 * - `starting`: there, but not ready
 * - `full`: there, but has no room for another connection
 * - `denied`: rejects the credentials
 */
export type FakeServerState = 'up' | 'down' | 'hung' | 'starting' | 'full' | 'denied'

const REFUSALS: Partial<Record<FakeServerState, FakeOutcome>> = {
  down: { fail: 'unreachable' },
  starting: { fail: 'starting' },
  full: { fail: 'busy' },
  denied: { fail: 'setup' },
}

/** What the {@link FakeDriver} finds at one endpoint. Change the fields as a test needs. */
export class FakeServer {
  role: Role
  writable: boolean
  cluster: string | undefined = 'system-1'
  timeline: number | undefined = 1
  position: bigint | undefined = 0n
  startedAt: string | undefined = 'start-1'
  /** What it keeps from the role that probes it. */
  missing: readonly MissingRight[] | undefined
  /** How many connections it lets in, those of probes too: then it refuses as if it were `full`. */
  room = Number.POSITIVE_INFINITY
  /** Rows that were inserted and committed. */
  rows = 0
  #state: FakeServerState = 'up'
  #starts = 1
  #answering: Promise<void> = Promise.resolve()
  #answerAgain: () => void = () => {}
  readonly #connections = new Set<FakeConnection>()
  readonly #probes = new Set<(error: Error) => void>()

  /** @internal made by `FakeDriver.server` */
  constructor(
    readonly id: string,
    role: Role,
  ) {
    this.role = role
    this.writable = role === 'primary'
  }

  get state(): FakeServerState {
    return this.#state
  }

  set state(state: FakeServerState) {
    if (state === this.#state) return
    if (this.#state === 'hung') this.#answerAgain()
    if (state === 'hung') {
      this.#answering = new Promise((resolve) => {
        this.#answerAgain = resolve
      })
    }
    this.#state = state
  }

  /** The open connections to this server, oldest first. */
  get connections(): FakeConnection[] {
    return [...this.#connections]
  }

  /** Open connections of probes. */
  get probes(): number {
    return this.#probes.size
  }

  /** It goes down: every connection is lost, new ones are refused. */
  crash(): void {
    this.state = 'down'
    this.#dropAll()
  }

  /** It comes up again, with a new start time. */
  start(): void {
    this.state = 'up'
    this.#starts += 1
    this.startedAt = `start-${this.#starts}`
  }

  /** Nothing is answered any more, and nothing closed either. */
  hang(): void {
    this.state = 'hung'
  }

  /** Ends a `hang`: what hung is answered now, like the calls of a process that goes on. */
  resume(): void {
    this.state = 'up'
  }

  /** Becomes a writable primary on the next timeline; its connections stay. */
  promote(): void {
    this.role = 'primary'
    this.writable = true
    if (this.timeline !== undefined) this.timeline += 1
  }

  /** Restarts as a standby: every connection is lost. */
  demote(): void {
    this.role = 'standby'
    this.writable = false
    this.#dropAll()
    this.start()
  }

  /** Cuts off every connection, probes too, while the server stays up. */
  terminateAll(): void {
    this.#dropAll()
  }

  /** @internal */
  get connectOutcome(): FakeOutcome {
    const full = this.#state === 'up' && this.#connections.size + this.#probes.size >= this.room
    return REFUSALS[full ? 'full' : this.#state] ?? this.callOutcome
  }

  /** @internal What a call on an open connection meets. */
  get callOutcome(): FakeOutcome {
    return this.#state === 'hung' ? { until: this.#answering } : 'succeed'
  }

  /** @internal */
  get answer(): ProbeResult {
    return {
      role: this.role,
      writable: this.writable,
      cluster: this.cluster,
      // Two servers of one cluster do not start in the same moment.
      server:
        this.cluster === undefined || this.startedAt === undefined
          ? undefined
          : `${this.cluster} ${this.startedAt}`,
      ...this.place,
      startedAt: this.startedAt,
      ...(this.missing !== undefined && { missing: this.missing }),
    }
  }

  /** @internal */
  get place(): Place {
    return {
      history: this.timeline?.toString(),
      position: this.position === undefined ? undefined : `p${this.position}`,
    }
  }

  /** @internal */
  addConnection(connection: FakeConnection): void {
    this.#connections.add(connection)
  }

  /** @internal */
  removeConnection(connection: FakeConnection): void {
    this.#connections.delete(connection)
  }

  /** @internal Returns the function that takes the probe off again. */
  addProbe(lose: (error: Error) => void): () => void {
    this.#probes.add(lose)
    return () => {
      this.#probes.delete(lose)
    }
  }

  #dropAll(): void {
    for (const connection of [...this.#connections]) connection.lose()
    for (const lose of [...this.#probes])
      lose(new FakeError('lost', `the probe of ${this.id} was lost`))
  }
}
