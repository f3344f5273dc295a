import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { guardDirectory } from '../servers/watchdog.js'
import { MARIADB_DATABASE } from './accounts.js'
import { findMariadb, MARIADB_INSTALL_COMMAND } from './binaries.js'
import { MariadbTemplate } from './data-directory.js'
import { type MariadbContext, MariadbNode } from './mariadb-node.js'

/** What {@link startMariadb} is asked for. */
export interface MariadbOptions {
  /** Replicas of the primary. @default 0 */
  readonly replicas?: number
  /**
   * True: a commit on the primary waits until a replica has received it (semi-synchronous, AFTER_SYNC), as long as any
   * replica of it is running. A server without replicas never waits.
   *
   * @default false
   */
  readonly synchronous?: boolean
  /** More options of all servers, by their names without dashes. */
  readonly settings?: Readonly<Record<string, string>>
  /** At least 10. @default 100 */
  readonly maxConnections?: number
}

/**
 * A MariaDB primary with its replicas, which are bound by `read_only`; started from nothing in about two seconds and
 * gone without a trace at the end of the process at the latest. It has the database `app` and the accounts of
 * {@link MARIADB_PASSWORDS}.
 *
 * @example
 * await using cluster = await startMariadb({ replicas: 1 })
 * const [old, next] = cluster.nodes
 * await old.crash()
 * await next.promote()
 * await old.rejoin(next)
 */
export class MariadbCluster {
  readonly nodes: readonly MariadbNode[]
  readonly #directory: string
  readonly #endGuard: () => Promise<void>
  #primary: MariadbNode
  #stopped: Promise<void> | undefined

  private constructor(
    directory: string,
    nodes: readonly [MariadbNode, ...MariadbNode[]],
    endGuard: () => Promise<void>,
  ) {
    this.#directory = directory
    this.nodes = nodes
    this.#primary = nodes[0]
    this.#endGuard = endGuard
  }

  /** @internal use `startMariadb` */
  static async start(options: MariadbOptions): Promise<MariadbCluster> {
    const binaries = findMariadb()
    if (binaries === undefined) {
      throw new Error(
        `MariaDB is not installed. Install it with "${MARIADB_INSTALL_COMMAND}", or set MARIADB_BIN to the directory of mariadbd`,
      )
    }
    const directory = await mkdtemp(path.join(tmpdir(), 'connmgr-mariadb-'))
    const endGuard = await guardDirectory(directory)
    let cluster: MariadbCluster | undefined
    try {
      const context: MariadbContext = {
        directory,
        binaries,
        template: new MariadbTemplate(binaries, directory),
        settings: settingsOf(options),
        onChange: async (node, change) => {
          if (cluster === undefined) return
          if (change === 'promoted') cluster.#primary = node
          if (options.synchronous) await cluster.#adjustSynchronous(node)
        },
      }
      const primary = new MariadbNode(1, context)
      const replicas = Array.from(
        { length: options.replicas ?? 0 },
        (_, index) => new MariadbNode(index + 2, context),
      )
      cluster = new MariadbCluster(directory, [primary, ...replicas], endGuard)
      await Promise.all(
        cluster.nodes.map(async (node) => {
          await node.initialize()
          await node.start({ readOnly: node !== primary })
        }),
      )
      // The first event of the history: each replica that has it replicates.
      await primary.query(`create database if not exists ${MARIADB_DATABASE}`)
      await Promise.all(
        replicas.map(async (replica) => {
          await replica.follow(primary)
          await replica.waitForReplay(primary)
        }),
      )
      return cluster
    } catch (error) {
      await Promise.all(cluster?.nodes.map((node) => node.crash()) ?? [])
      await rm(directory, { recursive: true, force: true })
      await endGuard()
      throw error
    }
  }

  /** The node promoted last; before any promotion the first one. It may be down. */
  get primary(): MariadbNode {
    return this.#primary
  }

  /** The nodes that follow another, in the order of their names. */
  get replicas(): MariadbNode[] {
    return this.nodes.filter((node) => node.upstream !== undefined)
  }

  /** Ends every server and removes all files. Calling it again gives the same promise. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #stop(): Promise<void> {
    // The data is thrown away, so there is nothing to shut down in order.
    await Promise.all(this.nodes.map((node) => node.crash()))
    await rm(this.#directory, { recursive: true, force: true })
    await this.#endGuard()
  }

  /**
   * Does what an operator does: no commit waits for a replica that was taken away. The primary of a replica that was
   * promoted goes on waiting, so that it never acknowledges what it writes from then on.
   */
  async #adjustSynchronous(changed: MariadbNode): Promise<void> {
    const primary = changed.upstream ?? changed
    if (this.#stopped !== undefined) return
    const followers = this.nodes.filter((node) => node.upstream === primary && node.running)
    if (primary !== changed || followers.length === 0) {
      await primary.setSynchronous(followers.length > 0)
    }
  }
}

/** Starts a MariaDB cluster on free ports of 127.0.0.1. */
export function startMariadb(options: MariadbOptions = {}): Promise<MariadbCluster> {
  return MariadbCluster.start(options)
}

function settingsOf(options: MariadbOptions): Record<string, string> {
  return {
    'max-connections': String(options.maxConnections ?? 100),
    'skip-name-resolve': 'on',
    'log-slave-updates': 'on',
    'gtid-strict-mode': 'on',
    // What was committed survives the death of the server, though not that of the machine.
    'innodb-flush-log-at-trx-commit': '2',
    'sync-binlog': '0',
    // A replica notices a primary that is silent.
    'slave-net-timeout': '10',
    'innodb-fast-shutdown': '2',
    ...(options.synchronous && {
      'rpl-semi-sync-slave-enabled': 'on',
      'rpl-semi-sync-master-wait-point': 'AFTER_SYNC',
      'rpl-semi-sync-master-timeout': '2147483647',
    }),
    ...options.settings,
  }
}
