import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { guardDirectory } from '../servers/watchdog.js'
import { findBinaries } from './binaries.js'
import type { HbaMethod } from './data-directory.js'
import { type ClusterContext, PostgresNode } from './postgres-node.js'
import { findServerUser } from './server-user.js'

/** What {@link startCluster} is asked for. */
export interface ClusterOptions {
  /** Streaming standbys of the primary. @default 0 */
  readonly standbys?: number
  /**
   * True: a commit on the primary waits until a standby has it on disk, as long as any standby of it is
   * running. A server without standbys never waits.
   *
   * @default false
   */
  readonly synchronous?: boolean
  /** More lines for `postgresql.conf` of all nodes. */
  readonly settings?: Readonly<Record<string, string>>
  /** With `scram-sha-256` the role `postgres` has the password `postgres-secret`. @default 'trust' */
  readonly hbaMethod?: HbaMethod
  /** @default 100 */
  readonly maxConnections?: number
}

/**
 * A PostgreSQL primary with its standbys, started from nothing in about a second and gone without a trace at
 * the end of the process at the latest.
 *
 * @example
 * await using cluster = await startCluster({ standbys: 1 })
 * await cluster.primary.crash()
 * await cluster.standbys[0].promote()
 */
export class PostgresCluster {
  readonly nodes: readonly PostgresNode[]
  readonly #directory: string
  readonly #endGuard: () => Promise<void>
  #primary: PostgresNode
  #stopped: Promise<void> | undefined

  private constructor(
    directory: string,
    nodes: readonly [PostgresNode, ...PostgresNode[]],
    endGuard: () => Promise<void>,
  ) {
    this.#directory = directory
    this.nodes = nodes
    this.#primary = nodes[0]
    this.#endGuard = endGuard
  }

  /** @internal use `startCluster` */
  static async start(options: ClusterOptions): Promise<PostgresCluster> {
    const user = findServerUser()
    const directory = await mkdtemp(path.join(tmpdir(), 'connmgr-postgres-'))
    const endGuard = await guardDirectory(directory)
    let cluster: PostgresCluster | undefined
    try {
      if (user) await chown(directory, user.uid, user.gid)
      const context: ClusterContext = {
        directory,
        user,
        binaries: findBinaries(user, directory),
        hbaMethod: options.hbaMethod ?? 'trust',
        settings: settingsOf(options),
        onChange: async (node, change) => {
          if (cluster === undefined) return
          if (change === 'promoted') cluster.#primary = node
          if (options.synchronous) await cluster.#adjustSynchronous(node)
        },
      }
      const primary = new PostgresNode('node-1', context)
      const standbys = Array.from(
        { length: options.standbys ?? 0 },
        (_, index) => new PostgresNode(`node-${index + 2}`, context),
      )
      cluster = new PostgresCluster(directory, [primary, ...standbys], endGuard)
      await primary.initialize()
      await primary.start()
      await Promise.all(standbys.map((standby) => standby.rebuildAsStandbyOf(primary)))
      return cluster
    } catch (error) {
      await Promise.all(cluster?.nodes.map((node) => node.discard()) ?? [])
      await rm(directory, { recursive: true, force: true })
      await endGuard()
      throw error
    }
  }

  /** The node promoted last; before any promotion the first one. It may be down. */
  get primary(): PostgresNode {
    return this.#primary
  }

  /** The nodes that are set up as standbys, in the order of their names. */
  get standbys(): PostgresNode[] {
    return this.nodes.filter((node) => node.role === 'standby')
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
    // Immediate: the data is thrown away, and a fast shutdown would wait for a standby that does not answer.
    await Promise.all(this.nodes.map((node) => node.stop('immediate')))
    await Promise.all(this.nodes.map((node) => node.discard()))
    await rm(this.#directory, { recursive: true, force: true })
    await this.#endGuard()
  }

  /**
   * Does what an operator does: no commit waits for a standby that was taken away. The primary of a standby
   * that was promoted goes on waiting, so that nothing it writes from then on is ever acknowledged.
   */
  async #adjustSynchronous(changed: PostgresNode): Promise<void> {
    const primary = changed.role === 'standby' ? changed.upstream : changed
    if (primary === undefined || this.#stopped !== undefined) return
    const followers = this.nodes.filter((node) => node.upstream === primary && node.running)
    if (primary !== changed || followers.length === 0) {
      await primary.setSynchronous(followers.length > 0)
    }
  }
}

/** Starts a PostgreSQL cluster on free ports of 127.0.0.1. */
export function startCluster(options: ClusterOptions = {}): Promise<PostgresCluster> {
  return PostgresCluster.start(options)
}

function settingsOf(options: ClusterOptions): Record<string, string> {
  return {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    logging_collector: 'off',
    max_connections: String(options.maxConnections ?? 100),
    shared_buffers: '16MB',
    // inside the data directory, so that a killed server leaves nothing elsewhere
    dynamic_shared_memory_type: 'mmap',
    // the data need not survive a crash of the machine
    fsync: 'off',
    jit: 'off',
    wal_level: 'replica',
    max_wal_senders: '10',
    max_replication_slots: '10',
    hot_standby: 'on',
    // enough for a standby to catch up without a replication slot
    wal_keep_size: '256MB',
    wal_retrieve_retry_interval: '100ms',
    ...options.settings,
  }
}
