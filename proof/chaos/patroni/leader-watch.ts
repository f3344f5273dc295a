import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import { now } from '../src/now.js'
import type { LabNode } from './lab/lab-node.js'

const POLL_MS = 5
const RECONNECT_MS = 20
/** A frozen server does not answer; that must not keep the watch from seeing it once it goes on. */
const PATIENCE_MS = 500
/** Rises with every promotion; and a server that was restarted is not the one it was. */
const IDENTITY = `
select pg_postmaster_start_time()::text || ' ' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as leadership
 where not pg_is_in_recovery()`

/** A server that takes writes, and when that was first seen. */
export interface Leadership {
  readonly node: LabNode
  readonly seenAt: number
}

/** Asks every server all the time, on connections of its own, whether it takes writes. Any client could see as much. */
export class LeaderWatch {
  readonly #leaderships = new Map<string, Leadership>()
  readonly #running: Promise<unknown>
  #stopped = false

  constructor(nodes: readonly LabNode[]) {
    this.#running = Promise.all(nodes.map((node) => this.#watch(node)))
  }

  /** Who was first seen to lead at or after a moment. */
  successor(from: number): Leadership | undefined {
    return [...this.#leaderships.values()].find((each) => each.seenAt >= from)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  async #watch(node: LabNode): Promise<void> {
    while (!this.#stopped) {
      const client = new Client({
        connectionString: node.url,
        connectionTimeoutMillis: PATIENCE_MS,
        query_timeout: PATIENCE_MS,
      })
      client.on('error', () => {
        // The query fails too.
      })
      try {
        await client.connect()
        await this.#ask(node, client)
      } catch {
        // Down, frozen or starting: it does not lead, and is asked again.
        await delay(RECONNECT_MS)
      } finally {
        // From a frozen server no farewell ever comes.
        client.end().catch(() => undefined)
      }
    }
  }

  async #ask(node: LabNode, client: Client): Promise<void> {
    while (!this.#stopped) {
      const { rows } = await client.query<{ leadership: string }>(IDENTITY)
      const [row] = rows
      const key = `${node.name} ${row?.leadership}`
      if (row !== undefined && !this.#leaderships.has(key))
        this.#leaderships.set(key, { node, seenAt: now() })
      await delay(POLL_MS)
    }
  }
}
