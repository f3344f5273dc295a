import { isError } from '@connmgr/core/driver'
import { classify } from '@connmgr/pg'
import type { PostgresNode } from '@connmgr/testing'
import type { Random } from './random.js'
import { APPLICATION_NAME, PROBE_NAME } from './settings.js'

/** A caller that has not noticed by then was not hit. It must be shorter than a server takes to reuse a process id. */
const REMEMBERED_MS = 20_000
/** Longer than a stall: what happened during one is noticed after it. */
const LATE_MS = 3000
/** How node-postgres reports that the client itself gave up; the server has no part in it. */
const QUERY_TIMEOUT_MESSAGE = 'Query read timeout'

/** Who may have been hit. */
interface Victim {
  /** Process ids of its connections; if it did not get to know any, any kill since its start will do. */
  readonly backends: readonly number[]
  readonly startedAt: number
}

/** Ends server processes as an administrator does, and can tell whether an error comes from that. */
export class Kills {
  readonly #server: PostgresNode
  readonly #killedAt = new Map<number, number>()
  #count = 0

  constructor(server: PostgresNode) {
    this.#server = server
  }

  get count(): number {
    return this.#count
  }

  /** Ends the server process of one connection of the manager, whatever it is doing. */
  async killOne(random: Random): Promise<void> {
    const backends = await this.#server.query<{ pid: number }>(
      'select pid from pg_stat_activity where application_name in ($1, $2) order by pid',
      [APPLICATION_NAME, PROBE_NAME],
    )
    if (backends.length === 0) return
    const { pid } = random.pick(backends)
    // Noted first: the victim may notice before the answer is here.
    this.#note(pid)
    await this.#server.query('select pg_terminate_backend($1)', [pid])
  }

  /** Whether a kill of one of the connections that an errand had explains its error. */
  explain(error: unknown, { backends, startedAt }: Victim): boolean {
    if (!isCutOff(error)) return false
    if (backends.length > 0) return backends.some((pid) => this.#killedAt.has(pid))
    return [...this.#killedAt.values()].some((at) => at > startedAt - LATE_MS)
  }

  #note(pid: number): void {
    const now = performance.now()
    for (const [each, at] of this.#killedAt) {
      if (now - at > REMEMBERED_MS) this.#killedAt.delete(each)
    }
    this.#killedAt.set(pid, now)
    this.#count += 1
  }
}

function isCutOff(error: unknown): boolean {
  if (!isError(error) || error.message.endsWith(QUERY_TIMEOUT_MESSAGE)) return false
  const { code } = error as { code?: unknown }
  if (code === 'CONNMGR_CONNECTION_LOST' || code === 'CONNMGR_COMMIT_OUTCOME_UNKNOWN') return true
  const kind = classify(error)
  return kind === 'lost' || kind === 'shutdown'
}
