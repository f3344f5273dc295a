import type { ConnmgrEvent, EventOf } from '@connmgr/core'
import { FAILURE_CLASSES, Ledger, type LedgerServer } from '@connmgr/testing'
import { failureClassOf } from '../../demo/src/postgresql/failure-class.js'
import { Load } from '../src/load.js'
import { now } from '../src/now.js'
import type { Leadership } from './leader-watch.js'
import type { OpenRoute, Route } from './routes.js'

const INSERT = 'insert into ledger (id, orm) values ($1, $2) returning inet_server_port() as port'

const SELECT = 'select count(*) from ledger'
const READS_PER_SECOND = 10

/** What one route came to in one round. Times are in milliseconds. */
export interface CallerFigures {
  readonly gapMs: number
  /** From when the new leader could be seen to the first write that succeeded; undefined if none did. */
  readonly firstWriteMs: number | undefined
  readonly failed: Readonly<Record<string, number>>
  readonly failedReads: number
  readonly unknown: number
  readonly unknownCommitted: number
  /** Said to have failed, but there. */
  readonly denied: number
  readonly lost: number
  /** Of those, what was acknowledged after the new leader could be seen, and so were for the client to find. */
  readonly lostLate: number
  /** Of those, writes to a server that the manager had already left: the client's own fault. */
  readonly preventable: number
  readonly duplicated: number
  /** What errors said, and how often. */
  readonly messages: Readonly<Record<string, number>>
}

/** Writers on one route, with a ledger of the answers they got. */
export class Caller {
  readonly route: Route
  readonly load: Load
  readonly #open: OpenRoute
  readonly #ledger = new Ledger()
  /** The port of the server that acknowledged a write, and when. */
  readonly #acknowledged = new Map<string, { readonly port: number; readonly at: number }>()

  readonly #messages: Record<string, number> = {}

  constructor(route: Route, open: OpenRoute) {
    this.route = route
    this.#open = open
    this.load = new Load(
      { orm: route.name, write: (id) => this.#write(id), read: () => open.read(SELECT) },
      this.#ledger,
      { readsPerSecond: READS_PER_SECOND },
    )
  }

  successesSince(moment: number): number {
    return this.load.succeeded('write', moment).length
  }

  /** Ends the writers; resolves when each knows what became of its last write. */
  stop(): Promise<void> {
    return this.load.stop()
  }

  close(): Promise<void> {
    return this.#open.close()
  }

  async figures(survivor: LedgerServer, successor: Leadership | undefined): Promise<CallerFigures> {
    const own = `${this.route.name}-`
    let present = new Set<string>()
    const ledger = await this.#ledger.check({
      query: async (sql) => {
        const rows = (await survivor.query(sql)).filter(({ id }) => id.startsWith(own))
        present = new Set(rows.map(({ id }) => id))
        return rows
      },
    })
    const lost = [...this.#acknowledged].filter(([id]) => !present.has(id))
    const { failures } = this.#ledger
    const failed = FAILURE_CLASSES.filter((each) => each !== 'unknown' && failures[each] > 0)
    const first =
      successor === undefined ? undefined : this.load.firstSuccess('write', successor.seenAt)
    return {
      gapMs: this.load.longestGapMs,
      firstWriteMs:
        successor === undefined || first === undefined ? undefined : first - successor.seenAt,
      failed: Object.fromEntries(failed.map((each) => [each, failures[each]])),
      failedReads: this.load.failed('read').length,
      unknown: ledger.unknown - ledger.deniedCommitted,
      unknownCommitted: ledger.unknownCommitted,
      denied: ledger.deniedCommitted,
      lost: ledger.lost,
      lostLate:
        successor === undefined ? 0 : lost.filter(([, { at }]) => at >= successor.seenAt).length,
      preventable: lost.filter(([, { port, at }]) => this.#hadLeft(port, at)).length,
      duplicated: ledger.duplicated,
      messages: this.#messages,
    }
  }

  async #write(id: string): Promise<void> {
    const [row] = await this.#open.query(INSERT, [id, this.route.name]).catch((error: unknown) => {
      this.#noteError(error)
      throw error
    })
    this.#acknowledged.set(id, { port: Number(row?.port), at: now() })
  }

  /** Whether the manager had moved away from a server before that server's acknowledgement came. */
  #hadLeft(port: number, at: number): boolean {
    const last = this.#open.recorder?.events.findLast(
      (each) => each.at <= at && isMove(each.event),
    )?.event
    return last !== undefined && isMove(last) && !last.endpoint.includes(`:${port}/`)
  }

  #noteError(error: unknown): void {
    const { message = String(error), code } = error as { message?: string; code?: unknown }
    const key = `${failureClassOf(error)}: ${code ?? '-'} ${message.replaceAll(/\d+ ms/g, 'N ms').slice(0, 120)}`
    this.#messages[key] = (this.#messages[key] ?? 0) + 1
  }
}

function isMove(
  event: ConnmgrEvent,
): event is EventOf<'failoverCompleted' | 'switchoverCompleted'> {
  return event.type === 'failoverCompleted' || event.type === 'switchoverCompleted'
}
