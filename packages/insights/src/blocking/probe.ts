import type { Clock, DedicatedConnection, TimerHandle } from '@connmgr/core/driver'
import { beginProbe, canBeAsked, type ProbeClient } from './probe-client.js'

/** The part of a manager that opens connections which no pool knows of. */
export interface ProbeSource {
  connectForDiagnosis(abort: AbortSignal): Promise<DedicatedConnection<object> | undefined>
}

interface Opened {
  readonly connection: DedicatedConnection<object>
  readonly client: ProbeClient
}

/** An unused connection is closed after so long. */
const IDLE_MS = 30_000
/** After a failure the server is left alone for so long. */
const PAUSE_MS = 10_000

/**
 * Asks the server questions over a connection of its own, that takes no slot of a pool: the pool may be what is stuck.
 * It is opened when it is needed, and closed when it has been idle.
 */
export class Probe {
  readonly #source: ProbeSource
  readonly #database: () => string | undefined
  readonly #clock: Clock
  readonly #abort = new AbortController()
  #open: Opened | undefined
  #opening: Promise<Opened | undefined> | undefined
  #idleTimer: TimerHandle | undefined
  #pausedUntil = Number.NEGATIVE_INFINITY
  #busy: Promise<unknown> = Promise.resolve()
  #closed = false

  /** @param database the name of the driver, undefined before the first statement */
  constructor(source: ProbeSource, database: () => string | undefined, clock: Clock) {
    this.#source = source
    this.#database = database
    this.#clock = clock
  }

  /** What the server says; undefined if it cannot be asked now. Questions are asked one after another. Never rejects. */
  ask<T>(question: (client: ProbeClient) => Promise<T>): Promise<T | undefined> {
    const asked = this.#busy.then(() => this.#ask(question))
    this.#busy = asked
    return asked
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#abort.abort(new Error('insights closed'))
    this.#clock.clearTimeout(this.#idleTimer)
    await this.#busy
    await this.#hangUp()
  }

  async #ask<T>(question: (client: ProbeClient) => Promise<T>): Promise<T | undefined> {
    if (this.#closed || this.#clock.now() < this.#pausedUntil) return undefined
    this.#clock.clearTimeout(this.#idleTimer)
    try {
      const open = await this.#connect()
      if (open === undefined) return undefined
      const answer = await open.connection.within(question(open.client))
      this.#idleTimer = this.#clock.setTimeout(() => void this.#hangUp(), IDLE_MS)
      return answer
    } catch (error) {
      // Insights never fail their caller: without an answer there is no verdict.
      this.#pausedUntil = this.#clock.now() + PAUSE_MS
      this.#open?.connection.destroy(error)
      this.#open = undefined
      return undefined
    }
  }

  async #connect(): Promise<Opened | undefined> {
    if (this.#open !== undefined) return this.#open
    this.#opening ??= this.#login().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #login(): Promise<Opened | undefined> {
    const database = this.#database()
    if (!canBeAsked(database)) return undefined
    const connection = await this.#source.connectForDiagnosis(this.#abort.signal)
    if (connection === undefined) return undefined
    const began = connection.within(beginProbe(database, connection.connection))
    const client = await began.catch((error: unknown) => {
      connection.destroy(error)
      throw error
    })
    this.#open = { connection, client }
    return this.#open
  }

  async #hangUp(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    await open?.connection.close()
  }
}
