import type { PgConnectionManager } from '@connmgr/pg'
import type { PostgresNode } from '@connmgr/testing'
import { now } from '../now.js'
import type { ChaosContext } from './context.js'

/** One read on `manager.replica`. */
interface Sample {
  readonly at: number
  /** Port of the server that answered. */
  readonly port: number
  /** Age of what it showed. */
  readonly staleMs: number
}

const BEAT_MS = 20
const READ_MS = 20
const READ = `select current_setting('port')::int as port,
                     extract(epoch from clock_timestamp() - at)::float8 * 1000 as "staleMs" from beat`

/** One caller writes the time down again and again, and another reads it from standbys. */
export class Reads {
  readonly samples: Sample[] = []
  readonly failures: unknown[] = []
  readonly #timers: readonly NodeJS.Timeout[]
  readonly #running = new Set<Promise<void>>()

  private constructor(manager: PgConnectionManager) {
    this.#timers = [
      setInterval(() => this.#run(beat(manager)), BEAT_MS),
      setInterval(() => this.#run(this.#read(manager)), READ_MS),
    ]
  }

  static async start(
    context: ChaosContext,
    primary: PostgresNode,
    manager: PgConnectionManager,
  ): Promise<Reads> {
    await primary.query('create table beat as select clock_timestamp() as at')
    await context.until(
      async () => (await manager.replica.query(`select to_regclass('beat')`)).rows[0] !== undefined,
      'the standbys have the table',
    )
    const reads = new Reads(manager)
    context.defer(() => reads.stop())
    return reads
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await Promise.all(this.#running)
  }

  /** The reads on one server between two moments. */
  on(node: PostgresNode, from = 0, to = Number.POSITIVE_INFINITY): Sample[] {
    return this.samples.filter(({ at, port }) => port === node.port && at >= from && at <= to)
  }

  /** The oldest thing that anybody was shown. */
  get mostStaleMs(): number {
    return this.samples.reduce((most, { staleMs }) => Math.max(most, staleMs), 0)
  }

  async #read(manager: PgConnectionManager): Promise<void> {
    const { rows } = await manager.replica.query<Omit<Sample, 'at'>>(READ)
    const [row] = rows
    if (row !== undefined) this.samples.push({ ...row, at: now() })
  }

  #run(work: Promise<unknown>): void {
    const running = work
      .then(
        () => {},
        (error: unknown) => void this.failures.push(error),
      )
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }
}

function beat(manager: PgConnectionManager): Promise<unknown> {
  return manager.pool.query('update beat set at = clock_timestamp()')
}
