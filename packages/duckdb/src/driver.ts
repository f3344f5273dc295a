import type { Endpoint } from '@connmgr/core'
import {
  type Activity,
  type BeginOptions,
  type Clock,
  type ConnectContext,
  type ConnectionCondition,
  type Driver,
  type FailureKind,
  isEndedOnPurpose,
  type Sessions,
  type Statements,
  systemClock,
  type Transactions,
} from '@connmgr/core/driver'
import type { DuckDBConnection } from '@duckdb/node-api'
import { classify } from './classify.js'
import { handleOf, sessionOf } from './handle.js'
import { type InstanceUse, useInstance } from './instances.js'
import { Session } from './session.js'
import { fingerprint } from './statement-text.js'

/** What an endpoint needs to open its database. */
export interface DuckDbEndpointConfig {
  /** An absolute path, or `:memory:`. */
  readonly path: string
  /** The name within the process of a database in memory; undefined for a file. */
  readonly memory: string | undefined
  /** DuckDB's own configuration. */
  readonly options: Readonly<Record<string, string>>
}

/** The engine's way to DuckDB: connections of one instance per file and process. */
export class DuckDbDriver implements Driver<DuckDBConnection> {
  readonly name = 'duckdb'
  readonly #clock: Clock
  /** Keeps a database in memory alive while no connection to it is open. */
  #kept: InstanceUse | undefined
  #closed = false

  constructor({ clock = systemClock }: { readonly clock?: Clock | undefined } = {}) {
    this.#clock = clock
  }

  async connect(
    endpoint: Endpoint,
    { signal, onSignal, queries }: ConnectContext,
  ): Promise<DuckDBConnection> {
    signal.throwIfAborted()
    const { memory, path, options } = endpoint.config as DuckDbEndpointConfig
    const use = await useInstance(memory, path, options)
    if (memory !== undefined) await this.#keep(memory, path, options)
    try {
      const connection = await use.connect()
      if (!signal.aborted) {
        return handleOf(new Session(connection, use, this.#clock, onSignal, queries))
      }
      connection.closeSync()
    } catch (error) {
      use.release()
      throw error
    }
    use.release()
    throw signal.reason
  }

  /** Lets go of a database in memory. Called when the manager has closed. */
  release(): void {
    this.#closed = true
    this.#kept?.release()
  }

  validate(connection: DuckDBConnection): Promise<void> {
    return sessionOf(connection).check()
  }

  inspect(connection: DuckDBConnection): ConnectionCondition {
    return sessionOf(connection).condition
  }

  async close(connection: DuckDBConnection): Promise<void> {
    sessionOf(connection).end()
  }

  destroy(connection: DuckDBConnection, reason?: Error): void {
    sessionOf(connection).end(reason)
  }

  classify(error: unknown): FailureKind {
    return classify(error)
  }

  /** DuckDB's transactions are snapshots; it has one level, which each level is given. */
  readonly transactions: Transactions<DuckDBConnection> = {
    // transaction_resolution_unknown, of the SQL standard.
    unknownOutcomeCode: '08007',
    begin: (connection, { readOnly = false }: BeginOptions) =>
      sessionOf(connection).begin(readOnly),
    commit: (connection) => sessionOf(connection).commit(),
    rollback: (connection) => sessionOf(connection).rollback(),
  }

  readonly session: Sessions<DuckDBConnection> = {
    baseline: (connection) => sessionOf(connection).baseline(),
    altered: (connection) => sessionOf(connection).altered,
    /** Both policies roll back and take another connection. */
    reset: async (connection) => {
      await sessionOf(connection).reset()
      return undefined
    },
    fence: (connection, lease) => handleOf(sessionOf(connection), lease),
  }

  readonly statements: Statements = {
    fingerprint,
    isDeliberate: (error) => isEndedOnPurpose(error),
  }

  readonly activity: Activity<DuckDBConnection> = {
    of: (connection) => sessionOf(connection).activity,
    settle: (connection) => sessionOf(connection).settled(),
    whyBroken: (connection) => sessionOf(connection).whyBroken,
    /** An open database keeps no process running. */
    holdProcess: () => {},
  }

  async #keep(...instance: Parameters<typeof useInstance>): Promise<void> {
    if (this.#kept !== undefined || this.#closed) return
    const use = await useInstance(...instance)
    if (this.#kept !== undefined || this.#closed) use.release()
    else this.#kept = use
  }
}
