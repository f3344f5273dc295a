import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { guardDirectory } from '../servers/watchdog.js'
import { MYSQL_DATABASE } from './accounts.js'
import { MARIADB } from './mariadb.js'
import { MYSQL } from './mysql.js'
import { type MysqlContext, MysqlNode } from './mysql-node.js'
import type { MysqlProduct } from './product.js'
import { MysqlTemplate } from './template.js'

/** What {@link startMysql} and {@link startMariadb} are asked for. */
export interface MysqlOptions {
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
  /** In MariaDB at least 10. @default 100 */
  readonly maxConnections?: number
}

/**
 * A primary of MySQL or MariaDB with its replicas, which are bound by `read_only`; started from nothing in some seconds and
 * gone without a trace at the end of the process at the latest. It has the database `app` and the accounts of
 * {@link MYSQL_PASSWORDS}.
 *
 * @example
 * await using cluster = await startMysql({ replicas: 1 })
 * const [old, next] = cluster.nodes
 * await old.crash()
 * await next.promote()
 * await old.rejoin(next)
 */
export class MysqlCluster {
  readonly nodes: readonly MysqlNode[]
  readonly #directory: string
  readonly #endGuard: () => Promise<void>
  #primary: MysqlNode
  #stopped: Promise<void> | undefined

  private constructor(
    directory: string,
    nodes: readonly [MysqlNode, ...MysqlNode[]],
    endGuard: () => Promise<void>,
  ) {
    this.#directory = directory
    this.nodes = nodes
    this.#primary = nodes[0]
    this.#endGuard = endGuard
  }

  /** @internal use `startServers` */
  static async start(product: MysqlProduct, options: MysqlOptions): Promise<MysqlCluster> {
    const programs = product.find()
    if (programs === undefined) throw new Error(`${product.name} is not here. ${product.howToGet}`)
    const directory = await mkdtemp(path.join(tmpdir(), `connmgr-${product.id}-`))
    const endGuard = await guardDirectory(directory)
    let cluster: MysqlCluster | undefined
    try {
      const context: MysqlContext = {
        directory,
        product,
        programs,
        template: new MysqlTemplate(product.id, programs, directory),
        settings: settingsOf(product, options),
        onChange: async (node, change) => {
          if (cluster === undefined) return
          if (change === 'promoted') cluster.#primary = node
          if (options.synchronous) await cluster.#adjustSynchronous(node)
        },
      }
      const primary = new MysqlNode(1, context)
      const replicas = Array.from(
        { length: options.replicas ?? 0 },
        (_, index) => new MysqlNode(index + 2, context),
      )
      cluster = new MysqlCluster(directory, [primary, ...replicas], endGuard)
      await Promise.all(
        cluster.nodes.map(async (node) => {
          await node.initialize()
          await node.start({ readOnly: node !== primary })
        }),
      )
      // The first event of the history: each replica that has it replicates.
      await primary.query(`create database if not exists ${MYSQL_DATABASE}`)
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
  get primary(): MysqlNode {
    return this.#primary
  }

  /** The nodes that follow another, in the order of their names. */
  get replicas(): MysqlNode[] {
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
  async #adjustSynchronous(changed: MysqlNode): Promise<void> {
    const primary = changed.upstream ?? changed
    if (this.#stopped !== undefined) return
    const followers = this.nodes.filter((node) => node.upstream === primary && node.running)
    if (primary !== changed || followers.length === 0) {
      await primary.setSynchronous(followers.length > 0)
    }
  }
}

/** Starts a cluster of a product on free ports of 127.0.0.1. */
export function startServers(
  product: MysqlProduct,
  options: MysqlOptions = {},
): Promise<MysqlCluster> {
  return MysqlCluster.start(product, options)
}

export function startMysql(options?: MysqlOptions): Promise<MysqlCluster> {
  return startServers(MYSQL, options)
}

export function startMariadb(options?: MysqlOptions): Promise<MysqlCluster> {
  return startServers(MARIADB, options)
}

function settingsOf(product: MysqlProduct, options: MysqlOptions): Record<string, string> {
  return {
    'max-connections': String(options.maxConnections ?? 100),
    'skip-name-resolve': 'on',
    // What was committed survives the death of the server, though not that of the machine.
    'innodb-flush-log-at-trx-commit': '2',
    'sync-binlog': '0',
    'innodb-fast-shutdown': '2',
    ...product.settings,
    ...(options.synchronous && product.synchronousSettings),
    ...options.settings,
  }
}
