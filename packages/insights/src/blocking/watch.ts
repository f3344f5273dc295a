import type { Clock, TimerHandle } from '@connmgr/core/driver'
import type { Collector } from '../collector/collector.js'
import type { LeaseRecord } from '../collector/lease-record.js'
import type { Running } from '../collector/running.js'
import { fingerprintOf } from '../fingerprint/fingerprints.js'
import type { BlockingParty, StatementIdentity } from '../snapshot.js'
import { BlockingTable, type SeenWait } from './blocking-table.js'
import type { Probe } from './probe.js'
import { type LockWait, lockQuestionOf } from './questions.js'

/** The server is not asked more often. In milliseconds. */
const SHORTEST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 1000

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
    if (this.#timer !== undefined || this.#closed) return
    if (lockQuestionOf(this.#collector.database) !== undefined) this.#wait(this.#pauseMs())
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

  #pauseMs(): number {
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
    if (!this.#closed && this.#collector.running.first !== undefined) this.#wait(this.#pauseMs())
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
    const question = lockQuestionOf(this.#collector.database)
    if (question === undefined) return
    const processes = long.flatMap(({ context }) => context.processId ?? [])
    const rows = await this.#probe.ask((client) => question(client, processes))
    if (rows === undefined || this.#closed) return
    const waiters = new Map(long.map((each) => [each.context.processId, each]))
    const seen = rows.flatMap((row): SeenWait[] => {
      const waiter = waiters.get(row.waiter)
      return waiter === undefined ? [] : [this.#seen(row, waiter)]
    })
    this.#table.see(seen)
  }

  #seen(row: LockWait, waiter: Running): SeenWait {
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
      // It cannot have waited for longer than it runs, whatever the precision of the server's clock.
      waitedMs: Math.min(row.waitedMs, this.#clock.now() - waiter.context.startedAt),
      wait: waiter,
    }
  }

  #blocker({ application, blocker, query, state }: LockWait): BlockingParty {
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
    const text =
      query === null || query === ''
        ? undefined
        : fingerprintOf(query, this.#collector.database ?? 'postgresql')
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
