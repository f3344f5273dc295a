import type { Clock, DedicatedConnection, TimerHandle } from '@connmgr/core/driver'

/** The part of a manager that opens connections which no pool knows of. */
export interface ProbeSource {
  connectForDiagnosis(abort: AbortSignal): Promise<DedicatedConnection<object> | undefined>
}

/** The part of node-postgres' client that is used here. */
interface Client {
  query(text: string, values?: readonly unknown[]): Promise<{ readonly rows: readonly object[] }>
}

/** An unused connection is closed after so long. */
const IDLE_MS = 30_000
/** After a failure the server is left alone for so long. */
const PAUSE_MS = 10_000
/** No question of ours burdens the server for longer. */
const STATEMENT_TIMEOUT_MS = 2000

/**
 * Asks the server questions over a connection of its own, that takes no slot of a pool: the pool may be what is stuck.
 * It is opened when it is needed, and closed when it has been idle.
 */
export class Probe {
  readonly #source: ProbeSource
  readonly #clock: Clock
  readonly #abort = new AbortController()
  #connection: DedicatedConnection<object> | undefined
  #opening: Promise<DedicatedConnection<object> | undefined> | undefined
  #idleTimer: TimerHandle | undefined
  #pausedUntil = Number.NEGATIVE_INFINITY
  #busy: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(source: ProbeSource, clock: Clock) {
    this.#source = source
    this.#clock = clock
  }

  /** What the server says; undefined if it cannot be asked now. Questions are asked one after another. Never rejects. */
  ask<T>(question: (client: Client) => Promise<T>): Promise<T | undefined> {
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

  async #ask<T>(question: (client: Client) => Promise<T>): Promise<T | undefined> {
    if (this.#closed || this.#clock.now() < this.#pausedUntil) return undefined
    this.#clock.clearTimeout(this.#idleTimer)
    try {
      const connection = await this.#connect()
      if (connection === undefined) return undefined
      const answer = await connection.within(question(connection.connection as Client))
      this.#idleTimer = this.#clock.setTimeout(() => void this.#hangUp(), IDLE_MS)
      return answer
    } catch (error) {
      // Insights never fail their caller: without an answer there is no verdict.
      this.#pausedUntil = this.#clock.now() + PAUSE_MS
      this.#connection?.destroy(error)
      this.#connection = undefined
      return undefined
    }
  }

  async #connect(): Promise<DedicatedConnection<object> | undefined> {
    if (this.#connection !== undefined) return this.#connection
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #open(): Promise<DedicatedConnection<object> | undefined> {
    const connection = await this.#source.connectForDiagnosis(this.#abort.signal)
    if (connection === undefined) return undefined
    const client = connection.connection as Client
    await connection.within(
      client.query(
        `set application_name to 'connmgr insights'; set statement_timeout to ${STATEMENT_TIMEOUT_MS}; ` +
          'set default_transaction_read_only to on',
      ),
    )
    this.#connection = connection
    return connection
  }

  async #hangUp(): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    await connection?.close()
  }
}
