import type { Insights } from '@connmgr/insights'
import type { PgConnectionManager } from '@connmgr/pg'

const POLL_MS = 500
const BATCH = 10
const CLEAN_UP_MS = 5000
const KINDS = ['mail', 'thumbnail', 'invoice']

/** What the application does beside requests: a queue that is polled, work in the background, and a listener. */
export class Jobs {
  readonly #manager: PgConnectionManager
  readonly #watched: Insights
  readonly #onError: (error: unknown) => void
  readonly #running = new Set<Promise<void>>()
  readonly #timers: NodeJS.Timeout[] = []
  #endListening: (() => Promise<void>) | undefined
  done = 0
  notified = 0

  constructor(manager: PgConnectionManager, watched: Insights, onError: (error: unknown) => void) {
    this.#manager = manager
    this.#watched = watched
    this.#onError = onError
  }

  async start(): Promise<void> {
    await this.#listen()
    this.#every(POLL_MS, () => this.#poll())
    this.#every(POLL_MS, () => this.#enqueue())
    // In a scope of its own, as insights advise; the queue above has none.
    this.#every(CLEAN_UP_MS, () => this.#watched.scope(() => this.#cleanUp()))
    this.#every(CLEAN_UP_MS, () => this.#greet())
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await Promise.all(this.#running)
    await this.#endListening?.()
  }

  /** Holds a connection for as long as the process runs, on purpose. */
  async #listen(): Promise<void> {
    const lease = await this.#manager.acquire({ longLived: true })
    const client = lease.connection
    client.on('notification', () => {
      this.notified += 1
    })
    await client.query('listen jobs')
    this.#endListening = async () => {
      await client.query('unlisten jobs')
      lease.release()
    }
  }

  async #enqueue(): Promise<void> {
    const { pool } = this.#manager
    await pool.query('insert into jobs (kind, payload) select k, 1 from unnest($1::text[]) k', [
      KINDS,
    ])
    await pool.query('notify jobs')
  }

  /** Takes what is ready and works on each: one statement for every job, as each must end by itself. */
  async #poll(): Promise<void> {
    await this.#manager.transaction(async (client) => {
      const { rows } = await client.query<{ id: string }>(
        `select id, kind, payload from jobs where state = 'ready' and run_at <= now()
           order by run_at limit $1 for update skip locked`,
        [BATCH],
      )
      for (const { id } of rows) {
        await client.query(`update jobs set state = 'done' where id = $1`, [id])
        this.done += 1
      }
    })
  }

  async #cleanUp(): Promise<void> {
    for (let more = true; more; ) {
      const { rowCount } = await this.#manager.pool.query(
        `delete from jobs where id in (select id from jobs where state = 'done' order by run_at limit $1)`,
        [BATCH],
      )
      more = rowCount === BATCH
    }
  }

  /** Reads some rows, and then all that belongs to them with one statement. */
  async #greet(): Promise<void> {
    const { pool } = this.#manager
    const { rows } = await pool.query<{ id: number }>(
      `select id from customers where city = $1 order by id limit 20`,
      ['town 7'],
    )
    await pool.query('select * from orders where customer_id = any($1)', [rows.map(({ id }) => id)])
  }

  /** Again and again, but never beside itself. */
  #every(periodMs: number, work: () => Promise<void>): void {
    let busy = false
    const turn = async (): Promise<void> => {
      if (busy) return
      busy = true
      const running = work()
        .catch(this.#onError)
        .finally(() => {
          busy = false
          this.#running.delete(running)
        })
      this.#running.add(running)
      await running
    }
    this.#timers.push(setInterval(turn, periodMs))
  }
}
