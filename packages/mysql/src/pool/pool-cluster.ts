import { EventEmitter } from 'node:events'
import { type Endpoint, InvalidOptionError, type Target } from '@connmgr/core'
import { type FunctionReference, printAsJson } from '@connmgr/core/driver'
import type { PoolConnection } from 'mysql2'
import { MysqlConnectionManager } from '../connection-manager.js'
import { ManagedPool } from './managed-pool.js'
import { blueprintOf, type ManagedPoolConfig, type PoolBlueprint } from './pool-config.js'

type ConnectionCallback = (error: Error | null, connection?: PoolConnection) => void

/** What a part of a cluster offers. */
export interface ManagedPoolNamespace {
  getConnection(callback: ConnectionCallback): void
  query: ManagedPool['query']
  execute: ManagedPool['execute']
}

/**
 * mysql2's PoolCluster as libraries use it for replication: nodes by name, of which `MASTER` is the preferred server and the
 * others those to fail over to. Which of them takes writes is found out, not read from the name: `MASTER` leads to the
 * server that takes writes, any other pattern to one to read from. Selectors are accepted and change nothing: connections
 * are spread by what is free.
 *
 * The nodes make one manager when the first connection is asked for; after that none can be added.
 *
 * @example
 * const cluster = createPoolCluster()
 * cluster.add('MASTER', 'mysql://app:secret@db1/app')
 * cluster.add('SLAVE0', 'mysql://app:secret@db2/app')
 * cluster.getConnection('SLAVE*', (error, connection) => { ... })
 */
export class ManagedPoolCluster extends EventEmitter {
  static {
    printAsJson(ManagedPoolCluster.prototype)
  }

  readonly #nodes = new Map<string, PoolBlueprint>()
  #manager: MysqlConnectionManager | undefined
  #count = 0
  #ending: Promise<void> | undefined

  /** @param id `@default` one that counts up */
  add(id: string, config: ManagedPoolConfig | string): void
  add(config: ManagedPoolConfig): void
  add(given: ManagedPoolConfig | string, config?: ManagedPoolConfig | string): void {
    if (this.#manager !== undefined)
      throw new InvalidOptionError(
        'id',
        'a node was added after a connection had been asked for; add all nodes first',
      )
    this.#count += 1
    const id = typeof given === 'string' && config !== undefined ? given : `CLUSTER::${this.#count}`
    if (!this.#nodes.has(id)) this.#nodes.set(id, blueprintOf(config ?? given))
  }

  /** The manager behind the nodes. @throws InvalidOptionError `CONNMGR_INVALID_OPTION` if there is none yet */
  get $connections(): MysqlConnectionManager {
    this.#manager ??= this.#createManager()
    return this.#manager
  }

  /** @param pattern a name of a node, with `*` for anything. `@default` all */
  of(pattern: RegExp | string = '*', _selector?: string): ManagedPoolNamespace {
    return this.#poolOf(pattern)
  }

  getConnection(callback: ConnectionCallback): void
  getConnection(pattern: RegExp | string, callback: ConnectionCallback): void
  getConnection(pattern: RegExp | string, selector: string, callback: ConnectionCallback): void
  getConnection(...given: unknown[]): void {
    const callback = given.at(-1) as ConnectionCallback
    const pattern = typeof given[0] === 'function' ? '*' : (given[0] as RegExp | string)
    let pool: ManagedPool
    try {
      pool = this.#poolOf(pattern)
    } catch (error) {
      process.nextTick(callback, error as Error)
      return
    }
    pool.borrow(this.getConnection as FunctionReference).then(
      (connection) => process.nextTick(callback, null, connection),
      (error: Error) => process.nextTick(callback, error),
    )
  }

  end(callback?: (error: Error | null) => void): void {
    this.#end().then(
      () => callback && process.nextTick(callback, null),
      (error: Error) => callback && process.nextTick(callback, error),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end()
  }

  /** What `JSON.stringify`, `console.log` and loggers show of it. */
  toJSON(): object {
    return { nodes: [...this.#nodes.keys()], ...this.#manager?.toJSON() }
  }

  #poolOf(pattern: RegExp | string): ManagedPool {
    const manager = this.$connections
    const matches = [...this.#nodes.keys()].filter((id) => matchesPattern(id, pattern))
    if (matches.length === 0)
      throw Object.assign(new Error('Pool does Not exist.'), { code: 'POOL_NOEXIST' })
    const target: Target =
      matches.length === 1 && matches[0] === this.#preferredId() ? 'primary' : 'prefer-standby'
    return target === 'primary' ? manager.pool : manager.replica
  }

  #preferredId(): string | undefined {
    return this.#nodes.has('MASTER') ? 'MASTER' : [...this.#nodes.keys()][0]
  }

  #createManager(): MysqlConnectionManager {
    const preferredId = this.#preferredId()
    const preferred = preferredId === undefined ? undefined : this.#nodes.get(preferredId)
    if (preferred === undefined)
      throw new InvalidOptionError(
        'id',
        'the cluster has no nodes; add them with cluster.add(id, config)',
      )
    const endpoints = new Map<string, Endpoint>()
    for (const each of [preferred, ...this.#nodes.values()])
      for (const endpoint of each.endpoints)
        if (!endpoints.has(endpoint.id)) endpoints.set(endpoint.id, endpoint)
    return new MysqlConnectionManager([...endpoints.values()], preferred.options, ManagedPool.of)
  }

  #end(): Promise<void> {
    this.#ending ??= this.#manager?.close() ?? Promise.resolve()
    return this.#ending
  }
}

function matchesPattern(id: string, pattern: RegExp | string): boolean {
  if (pattern instanceof RegExp) return pattern.test(id)
  const source = pattern.replace(/[.+?^=!:${}()|[\]/\\]/g, '\\$&').replaceAll('*', '.*')
  return new RegExp(`^${source}$`).test(id)
}
