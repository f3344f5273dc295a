import {
  createConnectionManager,
  type PgConnectionManager,
  type PgManagerOptions,
} from '@connmgr/pg'
import { type ClusterOptions, type PostgresCluster, startCluster } from '@connmgr/testing'
import { LEDGER_TABLE } from '../../../demo/src/postgresql/ledger-table.js'
import { RoundContext } from '../round-context.js'
import { Callers, type CallersOptions } from './callers/callers.js'
import { APPLICATION_NAME } from './connections.js'
import type { Orm } from './orms.js'
import { type Service, type ServiceOptions, startPostgresService } from './service.js'

/** What one round of a scenario on PostgreSQL works with. */
export class ChaosContext extends RoundContext {
  readonly orm: Orm
  readonly #show: (line: string) => void

  constructor(orm: Orm, show: (line: string) => void) {
    super(show)
    this.orm = orm
    this.#show = show
  }

  /** Servers with the ledger's table. */
  async cluster(options: ClusterOptions = {}): Promise<PostgresCluster> {
    const cluster = await startCluster(options)
    this.defer(() => cluster.stop())
    await cluster.primary.query(LEDGER_TABLE)
    return cluster
  }

  manager(options: PgManagerOptions): PgConnectionManager {
    const manager = createConnectionManager({
      name: 'chaos',
      logger: false,
      ...options,
      clientConfig: { application_name: APPLICATION_NAME, ...options.clientConfig },
    })
    this.defer(() => manager.close({ drainTimeoutMs: 0 }))
    return manager
  }

  /** Servers, a manager and callers, with all that watches them. */
  service(options: ServiceOptions = {}): Promise<Service> {
    return startPostgresService(this, options)
  }

  /** A manager and callers in a process of their own. */
  callers(options: CallersOptions): Promise<Callers> {
    return Callers.start(this, options)
  }

  /** Runs a part through another ORM; what that starts is ended with it, and what fails in it fails here. */
  async within<T>(orm: Orm, part: (context: ChaosContext) => Promise<T>): Promise<T> {
    const inner = new ChaosContext(orm, this.#show)
    this.defer(() => inner.cleanUp())
    try {
      return await part(inner)
    } finally {
      await inner.cleanUp()
      this.failures.push(...inner.failures.map((failure) => `${orm}: ${failure}`))
    }
  }
}
