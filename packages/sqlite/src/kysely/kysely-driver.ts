import type { ConnectionManager } from '@connmgr/core'
import { currentEffects } from '@connmgr/core/driver'
import { type SqliteConnection, sessionOf } from '../connection.js'
import { KyselyConnection } from './kysely-connection.js'

/** How Kysely begins a transaction; what is used of it. */
interface TransactionSettings {
  readonly accessMode?: 'read only' | 'read write'
}

/**
 * A driver for Kysely over a manager. Kysely's own has one connection and a mutex for all; with this one reads go to the
 * readers, and each transaction has the writer for itself.
 *
 * @example
 * const db = new Kysely<Schema>({
 *   dialect: {
 *     createDriver: () => kyselyDriver(manager),
 *     createAdapter: () => new SqliteAdapter(),
 *     createIntrospector: (db) => new SqliteIntrospector(db),
 *     createQueryCompiler: () => new SqliteQueryCompiler(),
 *   },
 * })
 */
export function kyselyDriver(manager: ConnectionManager<SqliteConnection>): KyselyDriver {
  return new KyselyDriver(manager)
}

/** Made by {@link kyselyDriver}. */
export class KyselyDriver {
  readonly #manager: ConnectionManager<SqliteConnection>

  constructor(manager: ConnectionManager<SqliteConnection>) {
    this.#manager = manager
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<KyselyConnection> {
    return new KyselyConnection(this.#manager)
  }

  async beginTransaction(
    connection: KyselyConnection,
    settings: TransactionSettings,
  ): Promise<void> {
    await connection.begin(settings.accessMode === 'read only')
  }

  async commitTransaction(connection: KyselyConnection): Promise<void> {
    await sessionOf(connection.leased.connection).commit(currentEffects())
  }

  async rollbackTransaction(connection: KyselyConnection): Promise<void> {
    // Kysely rolls back also after a COMMIT that has failed, and after a BEGIN that was never there.
    const session = sessionOf(connection.leased.connection)
    if (session.whyBroken === undefined) session.rollBack()
  }

  async savepoint(connection: KyselyConnection, name: string): Promise<void> {
    await connection.leased.connection.exec(`SAVEPOINT ${quoted(name)}`)
  }

  async rollbackToSavepoint(connection: KyselyConnection, name: string): Promise<void> {
    await connection.leased.connection.exec(`ROLLBACK TO ${quoted(name)}`)
  }

  async releaseSavepoint(connection: KyselyConnection, name: string): Promise<void> {
    await connection.leased.connection.exec(`RELEASE ${quoted(name)}`)
  }

  async releaseConnection(connection: KyselyConnection): Promise<void> {
    connection.release()
  }

  /** The manager goes on: who has made it closes it. */
  async destroy(): Promise<void> {}
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
