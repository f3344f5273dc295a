import type { Clock, TimerHandle } from '@connmgr/core/driver'
import type { Collector } from '../collector/collector.js'
import type { LeaseRecord } from '../collector/lease-record.js'
import type { Running } from '../collector/running.js'
import { fingerprintOf } from '../fingerprint/fingerprints.js'
import type { BlockingParty, StatementIdentity } from '../snapshot.js'
import { BlockingTable, type SeenWait } from './blocking-table.js'
import type { Probe } from './probe.js'

/** The server is not asked more often. In milliseconds. */
const SHORTEST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 1000

/** One session of ours that waits for one that blocks it; PostgreSQL 9.6 on. */
const QUESTION = `
select w.pid as waiter, b.pid as blocker, b.state, b.application_name as application, b.query,
  extract(epoch from clock_timestamp() - w.query_start)::float8 * 1000 as "waitedMs",
  l.locktype as "lockType", coalesce(l.relation, t.relation)::regclass::text as relation
from unnest($1::int[]) as ours(pid)
join pg_catalog.pg_stat_activity w on w.pid = ours.pid and w.wait_event_type = 'Lock'
cross join lateral unnest(pg_catalog.pg_blocking_pids(w.pid)) as blocking(pid)
join pg_catalog.pg_stat_activity b on b.pid = blocking.pid
left join lateral (select * from pg_catalog.pg_locks where pid = w.pid and not granted limit 1) l on true
left join lateral (
  select relation from pg_catalog.pg_locks where pid = w.pid and locktype = 'tuple' limit 1
) t on l.relation is null`

interface Answer {
  readonly waiter: number
  readonly blocker: number
  readonly state: string | null
  readonly application: string | null
  readonly query: string | null
  readonly waitedMs: number
  readonly lockType: string | null
  readonly relation: string | null
}

/** Asks the server who blocks whom, only while a statement runs longer than a bound. */
export class BlockingWatch {
  readonly #collector: Collector
  readonly #probe: Probe
  readonly #clock: Clock
  readonly #boundMs: number
  readonly #table: BlockingTable
  #timer: TimerHandle | undefined
  #closed = false

  constructor(collector: Collector, probe: Probe, clock: Clock, boundMs: number) {
    this.#collector = collector
    this.#probe = probe
    this.#clock = clock
    this.#boundMs = boundMs
    this.#table = new BlockingTable(clock)
  }

  /** Called when there is a statement on its way, and there was none. */
  begin(): void {
    if (this.#timer === undefined && !this.#closed) this.#wait(this.#pauseMs)
  }

  list(): ReturnType<BlockingTable['list']> {
    return this.#table.list()
  }

  clear(): void {
    this.#table.clear()
  }

  close(): void {
    this.#closed = true
    this.#clock.clearTimeout(this.#timer)
  }

  get #pauseMs(): number {
    return Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, this.#boundMs))
  }

  #wait(delayMs: number): void {
    this.#timer = this.#clock.setTimeout(() => void this.#look(), delayMs)
  }

  async #look(): Promise<void> {
    const long = this.#longRunning()
    if (long.length > 0) await this.#ask(long)
    else this.#table.see([])
    this.#timer = undefined
    if (!this.#closed && this.#collector.running.first !== undefined) this.#wait(this.#pauseMs)
  }

  /** Statements that were sent and have run for long, by the server's name of their session. */
  #longRunning(): Running[] {
    const now = this.#clock.now()
    const long: Running[] = []
    for (const running of this.#collector.running) {
      if (now - running.context.startedAt < this.#boundMs) break
      if (running.context.processId !== undefined) long.push(running)
    }
    return long
  }

  async #ask(long: readonly Running[]): Promise<void> {
    const processes = long.map(({ context }) => context.processId)
    const rows = await this.#probe.ask(
      async (client) => (await client.query(QUESTION, [processes])).rows as readonly Answer[],
    )
    if (rows === undefined || this.#closed) return
    const waiters = new Map(long.map((each) => [each.context.processId, each]))
    const seen = rows.flatMap((row): SeenWait[] => {
      const waiter = waiters.get(row.waiter)
      return waiter === undefined ? [] : [this.#seen(row, waiter)]
    })
    this.#table.see(seen)
  }

  #seen(row: Answer, waiter: Running): SeenWait {
    return {
      waiter: {
        processId: row.waiter,
        site: waiter.likelyPath.site,
        statement: identityOf(waiter.text.fingerprint),
        own: true,
        application: undefined,
        state: 'active',
      },
      blocker: this.#blocker(row),
      relation: row.relation ?? undefined,
      lockType: row.lockType ?? undefined,
      waitedMs: row.waitedMs,
      wait: waiter,
    }
  }

  #blocker({ application, blocker, query, state }: Answer): BlockingParty {
    const known = { processId: blocker, state: state ?? undefined }
    const running = this.#runningOf(blocker)
    const lease = running?.lease ?? this.#collector.leases.byProcess(blocker)
    if (running !== undefined || lease !== undefined) {
      return {
        ...known,
        site: siteOf(running, lease),
        statement: statementOf(running, lease),
        own: true,
        application: undefined,
      }
    }
    const text = query === null || query === '' ? undefined : fingerprintOf(query, 'postgresql')
    return {
      ...known,
      site: undefined,
      statement: text === undefined ? undefined : identityOf(text.fingerprint),
      own: false,
      application: application === null || application === '' ? undefined : application,
    }
  }

  #runningOf(processId: number): Running | undefined {
    for (const each of this.#collector.running)
      if (each.context.processId === processId) return each
    return undefined
  }
}

/** The holder's latest line: the lock was taken there, or before it in the same transaction. */
function siteOf(
  running: Running | undefined,
  lease: LeaseRecord | undefined,
): BlockingParty['site'] {
  return lease?.latest?.path.site ?? running?.likelyPath.site ?? lease?.path.site
}

function statementOf(
  running: Running | undefined,
  lease: LeaseRecord | undefined,
): StatementIdentity | undefined {
  const fingerprint = lease?.latest?.fingerprint ?? running?.text.fingerprint
  return fingerprint === undefined ? undefined : identityOf(fingerprint)
}

function identityOf({ id, text }: { id: string; text: string }): StatementIdentity {
  return { fingerprint: id, text }
}
