import type { Endpoint } from '@connmgr/core'
import {
  type Activity,
  type BeginOptions,
  type Clock,
  type ConnectContext,
  type ConnectionActivity,
  type ConnectionCondition,
  type Driver,
  type FailureKind,
  type LeaseFence,
  type Sessions,
  type Statements,
  systemClock,
  type Transactions,
} from '@connmgr/core/driver'
import type { Binding, BoundDatabase } from './bindings/binding.js'
import { classify } from './classify.js'
import { SqliteConnection, sessionOf } from './connection.js'
import type { SqliteEndpointConfig } from './endpoint.js'
import { isDeliberate, openError } from './errors.js'
import { isLocked, LockWait } from './locks/lock-wait.js'
import { openDatabase } from './open-database.js'
import { Session } from './session/session.js'
import { fingerprint } from './text/fingerprint.js'

/** How a driver is made. */
export interface SqliteDriverOptions {
  readonly binding: Binding
  /** How long a statement waits for a lock. */
  readonly busyTimeoutMs: number
  /** `@default` the clock of the process */
  readonly clock?: Clock | undefined
}

/** The engine's way to SQLite, over one of three libraries. */
export class SqliteDriver implements Driver<SqliteConnection> {
  readonly name = 'sqlite'
  readonly #binding: Binding
  readonly #busyTimeoutMs: number
  readonly #clock: Clock
  /** Files that were opened before: one that is gone is not created anew, and empty. */
  readonly #seen = new Set<string>()
  readonly #sessions = new Set<Session>()

  constructor({ binding, busyTimeoutMs, clock = systemClock }: SqliteDriverOptions) {
    this.#binding = binding
    this.#busyTimeoutMs = busyTimeoutMs
    this.#clock = clock
  }

  /** Waits for a lock until the attempt is aborted: setting the journal mode needs one. */
  async connect(endpoint: Endpoint, context: ConnectContext): Promise<SqliteConnection> {
    const config = endpoint.config as SqliteEndpointConfig
    const { location } = config
    const open = (): BoundDatabase =>
      openDatabase(
        this.#binding,
        config,
        !config.readOnlyDatabase && !location.mustExist && !this.#seen.has(location.path),
      )
    const database = await this.#openOnceUnlocked(open, location.id, context.signal)
    if (location.isFile) this.#seen.add(location.path)
    const session = new Session(database, {
      location,
      readOnly: config.readOnly,
      busyTimeoutMs: this.#busyTimeoutMs,
      clock: this.#clock,
      open,
      onSignal: context.onSignal,
      queries: context.queries,
    })
    this.#sessions.add(session)
    return new SqliteConnection(session)
  }

  /** The leases whose connections hold a snapshot now: they are in a transaction, or read a cursor. */
  get leasesWithSnapshot(): ReadonlySet<number> {
    const ids = new Set<number>()
    for (const session of this.#sessions) {
      if (session.whyBroken !== undefined) this.#sessions.delete(session)
      else if (session.holdsSnapshot) {
        const lease = session.activity.lease as { readonly id?: number } | undefined
        if (lease?.id !== undefined) ids.add(lease.id)
      }
    }
    return ids
  }

  async validate(connection: SqliteConnection): Promise<void> {
    const session = sessionOf(connection)
    try {
      session.check()
    } catch (error) {
      // A database that is locked is there.
      if (!isLocked(error)) throw error
    }
  }

  inspect(connection: SqliteConnection): ConnectionCondition {
    return sessionOf(connection).condition
  }

  async close(connection: SqliteConnection): Promise<void> {
    sessionOf(connection).end()
  }

  destroy(connection: SqliteConnection, reason?: Error): void {
    sessionOf(connection).end(reason)
  }

  classify(error: unknown): FailureKind {
    return classify(error)
  }

  readonly transactions: Transactions<SqliteConnection> = {
    // transaction_resolution_unknown, of the SQL standard.
    unknownOutcomeCode: '08007',
    /** SQLite's transactions are serializable; a weaker level is given that. */
    begin: (connection: SqliteConnection, { readOnly = false, leftMs }: BeginOptions) =>
      sessionOf(connection).begin(readOnly, leftMs),
    commit: (connection: SqliteConnection) => sessionOf(connection).commit(),
    rollback: async (connection: SqliteConnection): Promise<void> =>
      sessionOf(connection).rollBack(),
  }

  readonly session: Sessions<SqliteConnection> = {
    baseline: (connection: SqliteConnection): void => sessionOf(connection).baseline(),
    altered: (connection: SqliteConnection): boolean => sessionOf(connection).altered,
    /** Both policies open a file anew; what lives in memory is put back as far as SQL can do that. */
    reset: async (connection: SqliteConnection): Promise<undefined> => {
      await sessionOf(connection).reset()
    },
    fence: (connection: SqliteConnection, lease: LeaseFence): SqliteConnection =>
      new SqliteConnection(sessionOf(connection), lease),
  }

  readonly statements: Statements = { fingerprint, isDeliberate }

  readonly activity: Activity<SqliteConnection> = {
    of: (connection: SqliteConnection): ConnectionActivity => sessionOf(connection).activity,
    settle: (connection: SqliteConnection): Promise<void> => sessionOf(connection).settled(),
    whyBroken: (connection: SqliteConnection): Error | undefined => sessionOf(connection).whyBroken,
    /** An open file keeps no process running. */
    holdProcess: (): void => {},
  }

  async #openOnceUnlocked(
    open: () => BoundDatabase,
    id: string,
    signal: AbortSignal,
  ): Promise<BoundDatabase> {
    signal.throwIfAborted()
    const wait = new LockWait(this.#clock, Number.POSITIVE_INFINITY)
    for (;;) {
      try {
        return open()
      } catch (error) {
        if (!isLocked(error)) throw error
        await this.#pause(wait, signal, () => openError(id, error, 'it is locked'))
      }
    }
  }

  #pause(wait: LockWait, signal: AbortSignal, abortedError: () => Error): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        wait.cancel()
        reject(abortedError())
      }
      signal.addEventListener('abort', onAbort, { once: true })
      wait.pause(() => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      })
    })
  }
}
