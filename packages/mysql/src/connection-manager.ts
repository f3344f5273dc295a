import { ConnectionManager, type Endpoint, type ManagerOptions, type Target } from '@connmgr/core'
import { invalidOption, summarize, withUrlOptions } from '@connmgr/core/driver'
import type { Connection } from 'mysql2'
import { settingsOf } from './config/endpoint-config.js'
import { MysqlDriver } from './driver.js'
import type { MysqlManagerOptions } from './manager-options.js'
import type { ManagedPool } from './pool/managed-pool.js'

/** Makes the pools that {@link MysqlConnectionManager.pool} and `replica` return: `ManagedPool.of`. */
type PoolOf = (manager: MysqlConnectionManager, target: Target) => ManagedPool

/** A {@link ConnectionManager} of mysql2's connections, with a pool of mysql2 for every library that wants one. */
export class MysqlConnectionManager extends ConnectionManager<Connection> {
  // Out of sight of whatever prints hidden properties: it has the password.
  readonly #preferred: Endpoint
  readonly #poolOf: PoolOf
  #pool: ManagedPool | undefined
  #replica: ManagedPool | undefined

  /** @internal */
  readonly driver: MysqlDriver
  /** @internal */
  readonly replayStatements: 'never' | 'safe'

  /**
   * @internal Use `createConnectionManager`.
   * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
   */
  constructor(
    endpoints: readonly Endpoint[],
    {
      replayStatements,
      ...given
    }: ManagerOptions<Connection> & Pick<MysqlManagerOptions, 'replayStatements'>,
    poolOf: PoolOf,
  ) {
    const preferred = endpoints[0] as Endpoint
    const options = withUrlOptions(given, settingsOf(preferred))
    const replays = ['never', 'safe'] as const
    if (replayStatements !== undefined && !replays.includes(replayStatements))
      throw invalidOption('replayStatements', replayStatements, "one of 'never', 'safe'")
    const driver = new MysqlDriver({ clock: options.clock })
    super({ driver, endpoints, options })
    this.driver = driver
    this.#preferred = preferred
    this.#poolOf = poolOf
    this.replayStatements = replayStatements ?? 'never'
    const byId = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]))
    this.on('connectionCreated', ({ endpoint: id }) => {
      const endpoint = byId.get(id)
      // Others on their way may need all that there are; the last one has them read.
      if (endpoint !== undefined && this.getCounts().connecting === 0) driver.readEngines(endpoint)
    })
  }

  /** @internal The preferred server. */
  get preferred(): Endpoint {
    return this.#preferred
  }

  /** A pool of mysql2, with `.promise()`, whose connections lead to the server that takes writes. */
  get pool(): ManagedPool {
    this.#pool ??= this.#poolOf(this, 'primary')
    return this.#pool
  }

  /** The same for reads: connections to standbys, or to the primary while there is no standby fit to read from. */
  get replica(): ManagedPool {
    this.#replica ??= this.#poolOf(this, 'prefer-standby')
    return this.#replica
  }

  /** @internal A listener of one of the pools has failed. */
  listenerFailed(event: string, error: unknown): void {
    this.emit({
      type: 'listenerFailed',
      pool: this.name,
      reason: `a listener of the pool's ${event} failed`,
      error: summarize(error),
    })
  }
}
