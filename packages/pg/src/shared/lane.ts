import { AbortedError, AcquireTimeoutError, type Clock } from '@connmgr/core'
import { type FunctionReference, isError, type StatementTrace } from '@connmgr/core/driver'
import type { Client } from 'pg'
import { afterAbort, notSent } from '../aborted-query.js'
import type { Catalog } from '../catalog/catalog.js'
import { type ClientInternals, internalsOf, type ServerMessage } from '../client-internals.js'
import { provesRollback, QUERY_TIMEOUT } from '../outcome/evidence.js'
import { isInstrumented } from '../unwrapped.js'
import { AbandonedQueries, hasEnded } from './abandoned-queries.js'
import type { LaneHost, Loan } from './lane-host.js'
import { Pipelining } from './pipelining.js'
import { RunAlone, type SharedQuery } from './shared-query.js'
import { Tenure, TURN_MS } from './tenure.js'

/** A query that has run for so long holds up those behind it: no more are sent after it if there is another way. */
const STUCK_MS = 20
/** Less than this is no time to wait for another connection in. */
const SHORTEST_WAIT_MS = 5

/**
 * One connection on which queries are sent without waiting for the answers to those before them. Each is followed by a
 * Sync of its own, so that each is a transaction of its own, and an error ends one query alone.
 *
 * It is a lease like any other, borrowed when the first query comes and given back when nothing is under way. Then it
 * is over; the next query makes another.
 */
export class Lane {
  /** The server has said that it ends the session. */
  endedByServer = false
  readonly #host: LaneHost
  readonly #clock: Clock
  /** Given to the lane before it has its connection. */
  #waiting: SharedQuery[] = []
  #loan: Loan | undefined
  #tenure: Tenure | undefined
  #internals: ClientInternals | undefined
  #pipelining: Pipelining | undefined
  #abandoned: AbandonedQueries | undefined
  #inFlight = 0
  /** What all that is here is expected to take. */
  #expectedMs = 0
  /** When the server began with the query that it is at, as far as it can be seen from here. */
  #headSince: number
  #retiring = false
  #over = false
  #resting = false
  /** Has been left idle for a turn, with no query since. */
  #lingered = false

  constructor(host: LaneHost, clock: Clock, below: FunctionReference) {
    this.#host = host
    this.#clock = clock
    this.#headSince = clock.now()
    host.borrow(below).then(
      (lease) => this.#open({ client: host.begin(lease), lease }),
      (error: unknown) => this.#failed(error),
    )
  }

  /** Queries waiting here or under way. */
  get load(): number {
    return this.#waiting.length + this.#inFlight
  }

  /** What those are expected to take, one after the other. */
  get expectedMs(): number {
    return this.#expectedMs
  }

  get opening(): boolean {
    return this.#loan === undefined
  }

  /** Of the database that it leads to. */
  get catalog(): Catalog | undefined {
    return this.#loan && this.#host.catalogOf(this.#loan.client)
  }

  /** The connection is gone. */
  get lost(): boolean {
    return this.#internals !== undefined && hasEnded(this.#internals)
  }

  /** A statement was cancelled here; the request may hit the one after it. */
  get cancelled(): boolean {
    return this.#abandoned?.cancelled === true
  }

  isStuck(now: number): boolean {
    return this.#inFlight > 0 && now - this.#headSince > STUCK_MS
  }

  /** Whether it takes more queries. */
  isTaking(now: number): boolean {
    if (this.#tenure?.isOver(now) === true) this.retire()
    return !this.#retiring
  }

  add(query: SharedQuery): void {
    query.lane = this
    query.expectedMs = query.statement.expectedMs
    this.#expectedMs += query.expectedMs
    if (this.#loan === undefined) this.#waiting.push(query)
    else this.#send(this.#loan.client, query)
  }

  /** Ends a query whose signal has fired: on the server too, if it has been sent. */
  abort(query: SharedQuery, signal: AbortSignal): void {
    if (this.#withdraw(query)) query.tell(notSent(signal))
    else if (!query.abandoned) {
      const error = query.lossBy(new AbortedError(signal.reason), 'sent')
      this.#abandon(query, afterAbort(error, signal))
    }
  }

  /** Notes of a query that has been answered where it has run, and since when the server was at it. */
  trace(query: SharedQuery, trace: StatementTrace): void {
    if (this.#loan === undefined || this.#waiting.includes(query)) return
    const { client, lease } = this.#loan
    trace.on({
      endpoint: lease.endpoint.id,
      connectionId: lease.connectionId,
      processId: this.#internals?.processID ?? undefined,
      lease: lease.id,
      instrumented: isInstrumented(client),
    })
    trace.sent(this.#headSince)
    trace.shared()
    if ((query as { name?: unknown }).name) trace.prepared()
  }

  /** Ends a query whose caller has given its client up for good: on the server too, if it has been sent. */
  giveUp(query: SharedQuery, why: Error): void {
    if (this.#withdraw(query)) query.tell(query.lossBy(why, 'unsent'))
    else if (!query.abandoned) this.#abandon(query, query.lossBy(why, 'sent'))
  }

  /** Takes no more queries, and gives its connection back when those under way have ended. */
  retire(): void {
    this.#retiring = true
    if (this.load === 0) this.#restSoon()
  }

  /** A query that is under way has come to its end. */
  ended(query: SharedQuery, sent: boolean): void {
    this.#inFlight -= 1
    this.#leave(query)
    this.#clock.clearTimeout(query.timer)
    if (this.lost) this.#retiring = true
    else if (sent) {
      const now = this.#clock.now()
      query.statement.ran(now - this.#headSince)
      this.#headSince = now
      this.#abandoned?.ended(query)
    }
    if (this.#inFlight === 0) this.#restSoon()
  }

  /** Takes a query back that has not been sent. False if it has. */
  #withdraw(query: SharedQuery): boolean {
    const at = this.#waiting.indexOf(query)
    if (at === -1) return false
    this.#waiting.splice(at, 1)
    this.#leave(query)
    return true
  }

  #leave(query: SharedQuery): void {
    query.lane = undefined
    // Sums of fractions drift.
    this.#expectedMs = this.load === 0 ? 0 : Math.max(0, this.#expectedMs - query.expectedMs)
  }

  /** Notes an error by which the server itself ends the session, and begins nothing behind what it is at. */
  noteFatal(error: unknown): void {
    if (isError(error) && provesRollback(error as ServerMessage)) this.endedByServer = true
  }

  /** The way on for a query that has had no effect here. */
  elsewhere(query: SharedQuery): RunAlone {
    return new RunAlone(
      query.dueAt === 0 ? undefined : Math.max(1, Math.ceil(query.dueAt - this.#clock.now())),
    )
  }

  #open(loan: Loan): void {
    const now = this.#clock.now()
    const { client } = loan
    this.#loan = loan
    this.#internals = internalsOf(client)
    this.#pipelining = new Pipelining(client)
    this.#abandoned = new AbandonedQueries(client, this.#clock, () => this.#cutOff())
    this.#headSince = now
    this.#tenure = new Tenure(this.#host, loan.lease, now)
    const waiting = this.#waiting
    this.#waiting = []
    for (const query of waiting) this.#send(client, query)
    if (this.#inFlight === 0) this.#restSoon()
  }

  /** No connection was to be had. Those who came later than the first have time left, and go on by themselves. */
  #failed(error: unknown): void {
    this.#over = true
    this.#host.end(this, undefined, false)
    const now = this.#clock.now()
    const limitMs = error instanceof AcquireTimeoutError ? error.waitedMs : 0
    this.#waiting.forEach((query, index) => {
      const leftMs = limitMs - (now - query.givenAt)
      if (leftMs >= SHORTEST_WAIT_MS) query.tell(new RunAlone(undefined, Math.ceil(leftMs)))
      else query.tell(index === 0 ? error : copyOf(error))
    })
    this.#waiting = []
  }

  #send(client: Client, query: SharedQuery): void {
    if (!query.statement.isShareable(this.#host.catalogOf(client)?.latest)) {
      this.#leave(query)
      query.tell(this.elsewhere(query))
      return
    }
    if (this.#inFlight === 0) this.#headSince = this.#clock.now()
    this.#inFlight += 1
    this.#lingered = false
    const timeoutMs = query.timeoutMs ?? this.#pipelining?.queryTimeoutMs ?? 0
    if (timeoutMs > 0) this.#limit(query, timeoutMs)
    this.#pipelining?.cork()
    try {
      client.query(query as never)
    } catch (error) {
      // Half a message may have been written.
      query.tell(error)
      this.#cutOff()
      this.ended(query, false)
    }
  }

  #limit(query: SharedQuery, timeoutMs: number): void {
    query.dueAt = this.#clock.now() + timeoutMs
    query.timer = this.#clock.setTimeout(
      // The answer may have arrived together with the timer.
      () => this.#clock.setImmediate(() => this.#expire(query)),
      timeoutMs,
      true,
    )
  }

  #expire(query: SharedQuery): void {
    if (query.lane === this) this.#abandon(query, query.lossBy(new Error(QUERY_TIMEOUT), 'sent'))
  }

  /** The caller of a query that is under way waits for it no more. */
  #abandon(query: SharedQuery, reason: unknown): void {
    query.abandoned = true
    query.tell(reason)
    this.retire()
    this.#abandoned?.add()
  }

  /** Ends all that is under way with the loss of the connection. */
  #cutOff(): void {
    this.#retiring = true
    this.#internals?.connection?.stream.destroy()
  }

  /** Once the callers have had their answers they may have more to ask. */
  #restSoon(): void {
    if (this.#resting || this.#over || this.#loan === undefined) return
    this.#resting = true
    this.#clock.setImmediate(() => {
      this.#resting = false
      if (this.load > 0) return
      if (this.#retiring || this.#lingered || !this.#host.irreplaceable)
        this.#rest(this.#loan as Loan)
      else this.#linger()
    })
  }

  /** Stays for a while, so that the next queries need not wait behind all who wait for a connection. */
  #linger(): void {
    this.#lingered = true
    this.#clock.setTimeout(() => this.#restSoon(), TURN_MS)
  }

  #rest(loan: Loan): void {
    if (this.#over) return
    const { client } = loan
    if (this.#internals?.readyForQuery === false && !this.lost) {
      // The server has answered with an error, but is not ready again yet.
      const again = (): void => {
        client.off('drain', again).off('end', again)
        this.#restSoon()
      }
      client.on('drain', again).on('end', again)
      return
    }
    this.#over = true
    this.#abandoned?.stop()
    this.#pipelining?.end()
    // A cancel request that comes late must not hit the next borrower.
    this.#host.end(this, loan, this.cancelled)
  }
}

/** The same error once more, so that each caller has one with a stack of its own. */
function copyOf(error: unknown): unknown {
  if (!isError(error)) return error
  const copy = Object.setPrototypeOf(new Error(error.message), Object.getPrototypeOf(error))
  const { stack: _stack, ...own } = Object.getOwnPropertyDescriptors(error) as PropertyDescriptorMap
  return Object.defineProperties(copy, own)
}
