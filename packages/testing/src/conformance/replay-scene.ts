import { eventually } from '../eventually.js'
import { type PostgresCluster, startCluster } from '../postgres/postgres-cluster.js'
import { type FaultProxy, startFaultProxy } from '../proxy/fault-proxy.js'
import type { ReplayedTransaction, ReplayHarness, ReplaySubject } from './replay-subject.js'

const SLEEPING = "from pg_stat_activity where wait_event = 'PgSleep'"

/** A library over embedded PostgreSQL, behind a proxy that cuts its connections. */
export class ReplayScene {
  readonly #harness: ReplayHarness
  #cluster: PostgresCluster | undefined
  #proxy: FaultProxy | undefined
  #subject: ReplaySubject | undefined

  constructor(harness: ReplayHarness) {
    this.#harness = harness
  }

  get cluster(): PostgresCluster {
    return this.#cluster as PostgresCluster
  }

  get proxy(): FaultProxy {
    return this.#proxy as FaultProxy
  }

  get subject(): ReplaySubject {
    return this.#subject as ReplaySubject
  }

  /** Once, before all tests. */
  async start(): Promise<void> {
    const { createTable, isThirteen, table } = this.#harness
    this.#cluster = await startCluster()
    await this.cluster.primary.query(`
        ${createTable};
        create table pace (seconds float);
        create function dawdle() returns trigger language plpgsql as $$
          begin perform pg_sleep(60); return null; end $$;
        create constraint trigger dawdle after insert on ${table} deferrable initially deferred
          for each row when (${isThirteen}) execute function dawdle()`)
  }

  async stop(): Promise<void> {
    await this.#cluster?.stop()
  }

  /** Before each test. */
  async open(): Promise<void> {
    const { primary } = this.cluster
    const proxy = await startFaultProxy({ target: primary })
    this.#proxy = proxy
    const url = primary.url().replace(`:${primary.port}`, `:${proxy.port}`)
    this.#subject = await this.#harness.open(url)
  }

  /** After each test. */
  async close(): Promise<void> {
    await this.#terminateSleeping()
    await this.subject.close()
    await this.proxy.close()
    await this.cluster.primary.query(`delete from ${this.#harness.table}`)
  }

  /** Resolves once a statement sleeps. */
  async sleeping(): Promise<void> {
    const { primary } = this.cluster
    await eventually(async () => (await primary.query(`select 1 ${SLEEPING}`)).length > 0)
  }

  /** Ends the session of a transaction while it is idle, and waits until the manager knows. */
  async endSession(transaction: ReplayedTransaction): Promise<void> {
    const lost = new Promise<void>((resolve) => {
      const stop = this.subject.connections.on('connectionClosed', () => {
        stop()
        resolve()
      })
    })
    await transaction.query(`set application_name = 'victim'`)
    await this.cluster.primary.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim'`,
    )
    await lost
  }

  /** Cuts the connection of work that sleeps, and returns how that settles: its result, or its error. */
  async cut(running: PromiseLike<unknown>): Promise<unknown> {
    const settled = Promise.resolve(running).catch((error: unknown) => error)
    await this.sleeping()
    this.proxy.reset()
    const result = await settled
    await this.#terminateSleeping()
    return result
  }

  codeOf(error: unknown): unknown {
    const { cause, parent } = error as { cause?: unknown; parent?: unknown }
    const coded = { error, cause, parent }[this.#harness.codeIn]
    return (coded as { code?: unknown } | undefined)?.code
  }

  async #terminateSleeping(): Promise<void> {
    await this.cluster.primary.query(`select pg_terminate_backend(pid) ${SLEEPING}`)
  }
}
