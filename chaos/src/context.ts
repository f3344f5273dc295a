import {
  createConnectionManager,
  type PgConnectionManager,
  type PgManagerOptions,
} from '@connmgr/pg'
import {
  type ClusterOptions,
  type FaultProxy,
  type PostgresCluster,
  type PostgresNode,
  startCluster,
  startFaultProxy,
} from '@connmgr/testing'
import { LEDGER_TABLE } from '../../demo/src/ledger.js'
import { Callers, type CallersOptions } from './callers/callers.js'
import { APPLICATION_NAME } from './connections.js'
import { now } from './now.js'
import type { Orm } from './orms.js'
import { Service, type ServiceOptions } from './service.js'
import { Stalls } from './stalls.js'

const POLL_MS = 2

/** What one round of a scenario works with. Whatever it starts is ended with the round. */
export class ChaosContext {
  readonly orm: Orm
  readonly failures: string[] = []
  readonly stalls = new Stalls()
  /** What was done last, for the report on a round that hangs. */
  lastStep = 'nothing yet'
  readonly #cleanups: (() => Promise<unknown>)[] = []
  readonly #show: (line: string) => void
  readonly #startedAt = now()

  constructor(orm: Orm, show: (line: string) => void) {
    this.orm = orm
    this.#show = show
  }

  /** Tells where the scenario is. */
  step(what: string): void {
    this.lastStep = what
    this.#show(`${((now() - this.#startedAt) / 1000).toFixed(2).padStart(7)} s  ${what}`)
  }

  /** Notes what does not hold; the scenario goes on. */
  expect(holds: boolean, failure: string): void {
    if (holds) return
    this.failures.push(failure)
    this.#show(`          FAILED ${failure}`)
  }

  /** To be done at the end of the round; the latest first. */
  defer(cleanup: () => Promise<unknown>): void {
    this.#cleanups.push(cleanup)
  }

  /** Servers with the ledger's table. */
  async cluster(options: ClusterOptions = {}): Promise<PostgresCluster> {
    const cluster = await startCluster(options)
    this.defer(() => cluster.stop())
    await cluster.primary.query(LEDGER_TABLE)
    return cluster
  }

  async proxy(node: PostgresNode): Promise<FaultProxy> {
    const proxy = await startFaultProxy({ target: node })
    this.defer(() => proxy.close())
    return proxy
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
    return Service.start(this, options)
  }

  /** A manager and callers in a process of their own. */
  callers(options: CallersOptions): Promise<Callers> {
    return Callers.start(this, options)
  }

  /** Waits until something that comes true by itself holds. */
  async until(
    condition: () => boolean | Promise<boolean>,
    what: string,
    withinMs = 20_000,
  ): Promise<void> {
    this.lastStep = `waiting until ${what}`
    const deadline = now() + withinMs
    while (!(await condition())) {
      if (now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`)
      await this.sleep(POLL_MS)
    }
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms))
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

  /** Ends everything. Never rejects: what cannot be ended is noted. */
  async cleanUp(): Promise<void> {
    this.stalls.stop()
    for (const cleanup of this.#cleanups.splice(0).reverse()) {
      await cleanup().catch((error: unknown) => {
        this.expect(false, `cleaning up failed: ${error instanceof Error ? error.message : error}`)
      })
    }
  }
}
