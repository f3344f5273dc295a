import type { Clock } from '@connmgr/core'
import { HEAD_START_MS, type TimerHandle } from '@connmgr/core/driver'
import { CATALOG_QUERY, type CatalogAnswer } from './catalog-query.js'
import { Snapshot } from './snapshot.js'

/** What is known of the functions, views and operators that statements may lead to. */
export interface Catalog {
  /** Whether a catalog is known, and a judgement is the same by all that are. */
  agree(judge: (snapshot: Snapshot) => boolean): boolean
}

/** What a catalog is read from, over a connection that neither callers nor probes wait for. */
export interface CatalogSource {
  ask(text: string, signal: AbortSignal): Promise<unknown>
}

/** After this time a catalog is read anew when a connection is opened or a probe is answered. */
const FRESH_MS = 60_000
/** What has been read so long ago proves nothing any more: another program may have changed it. */
const VALID_MS = 300_000
/** The class of SQLSTATEs by which a server ends sessions, and refuses them while it starts or stops. */
const OPERATOR_INTERVENTION = '57P'
/** Pause after a reading, if statements that change the catalog follow one another. */
const PAUSE_MS = 1000
/** Pause after a reading whose connection was lost, or could not be opened; doubles each time. */
const FIRST_RETRY_MS = 50
/** After so many of them in a row the next connection that is opened, or probe that is answered, is waited for. */
const MOST_RETRIES = 8
/** For so long none is opened to a server that has refused one for want of room. */
const FULL_MS = 600_000
/** A server that does not answer within this time is not waited for. */
const LONGEST_MS = 10_000

/**
 * The catalogs of the databases behind the endpoints of one driver, each read when the first connection to it has been
 * opened, and again now and then. Until one has been read nothing is known of its database; the same if that fails.
 */
export class Catalogs implements Catalog {
  readonly #clock: Clock
  readonly #byEndpoint = new Map<string, EndpointCatalog>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** That of one endpoint. Connections to it may lead to different servers, but to databases of one name. */
  of(endpointId: string, source: CatalogSource): EndpointCatalog {
    let catalog = this.#byEndpoint.get(endpointId)
    if (catalog === undefined) {
      catalog = new EndpointCatalog(this.#clock, source, () => this.#invalidate())
      this.#byEndpoint.set(endpointId, catalog)
    }
    return catalog
  }

  /** For a statement of which it is not yet known where it will run. */
  agree(judge: (snapshot: Snapshot) => boolean): boolean {
    let known = false
    for (const catalog of this.#byEndpoint.values()) {
      // Of a server that has been away for long nothing is known, and nothing runs there.
      if (catalog.isOutdated) continue
      if (!catalog.agree(judge)) return false
      known = true
    }
    return known
  }

  /** Whether a judgement may turn out well where the statement will run: nothing that is known speaks against it. */
  mayAgree(judge: (snapshot: Snapshot) => boolean): boolean {
    for (const catalog of this.#byEndpoint.values()) {
      const { latest } = catalog
      if (latest === undefined ? !catalog.mayBeRead : !judge(latest)) return false
    }
    return true
  }

  /** Reads that of an endpoint if it is due: its server has just shown that it is there. */
  read(endpointId: string): void {
    void this.#byEndpoint.get(endpointId)?.read()
  }

  /** A connection to an endpoint has been opened for a caller: reads its catalog if it is due, the first one soon. */
  opened(endpointId: string): void {
    this.#byEndpoint.get(endpointId)?.opened()
  }

  /** The server of an endpoint has refused a connection for want of room: callers need those that there are. */
  noRoom(endpointId: string): void {
    this.#byEndpoint.get(endpointId)?.noRoom()
  }

  /** Ends what is being read. */
  close(): void {
    for (const catalog of this.#byEndpoint.values()) catalog.close()
  }

  /** What one connection changes concerns them all: standbys follow, and a statement may be routed to any of them. */
  #invalidate(): void {
    for (const catalog of this.#byEndpoint.values()) catalog.forget()
  }
}

/** The catalog of the database behind one endpoint. */
export class EndpointCatalog implements Catalog {
  readonly #clock: Clock
  readonly #source: CatalogSource
  readonly #invalidate: () => void
  /** As it was read last, unless it has changed since; undefined if it is not known. */
  latest: Snapshot | undefined
  /** Functions that define something, by the last reading, even if much has changed since. In lower case. */
  defining: ReadonlySet<string> = new Set()
  /** Every role may have the server plan what `keepMemory` sends: by the last reading too. */
  mayTakeMemory = false
  /** When it was read last, or has changed since. */
  #knownSince = Number.NEGATIVE_INFINITY
  /** When it is to be read again. */
  #dueAt = Number.NEGATIVE_INFINITY
  /** Until when the server has no connection to spare for it. */
  #fullUntil = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined
  #abort: AbortController | undefined
  #timer: TimerHandle | undefined
  /** It has been read, or tried to. */
  #begun = false
  #closed = false
  /** Counts changes, so that what was read before or during one is not taken for what is there after it. */
  #changes = 0
  /** Readings in a row that were not answered. */
  #failures = 0

  constructor(clock: Clock, source: CatalogSource, invalidate: () => void) {
    this.#clock = clock
    this.#source = source
    this.#invalidate = invalidate
  }

  /** It has not been read lately, or never. */
  get isOutdated(): boolean {
    return this.#clock.now() - this.#knownSince >= VALID_MS
  }

  /** It is being read, or will be soon. */
  get mayBeRead(): boolean {
    return this.#reading !== undefined || this.#isDue()
  }

  agree(judge: (snapshot: Snapshot) => boolean): boolean {
    return this.latest !== undefined && !this.isOutdated && judge(this.latest)
  }

  /** A statement that may change it was sent, or has ended: what was read before no longer counts, here and elsewhere. */
  invalidate(): void {
    this.#invalidate()
  }

  forget(): void {
    this.#changes += 1
    this.latest = undefined
    if (!this.isOutdated) this.#knownSince = this.#clock.now()
    this.#readLater()
  }

  /**
   * Reads it if that is due: the server has just shown that it is there. Resolves when it is known, or cannot be; at
   * once if it is known already. Never rejects: without it statements are in doubt, and no worse.
   */
  async read(): Promise<void> {
    if (this.#reading === undefined && !this.#closed && this.#isDue()) this.#reading = this.#read()
    if (this.latest === undefined || this.isOutdated) await this.#reading
  }

  opened(): void {
    if (this.#begun) void this.read()
    else this.#readLater(HEAD_START_MS)
  }

  /** Gives up a reading under way, and its connection with it. */
  noRoom(): void {
    this.#fullUntil = this.#clock.now() + FULL_MS
    this.#abort?.abort(new Error('callers need the connection'))
  }

  close(): void {
    this.#closed = true
    this.#clock.clearTimeout(this.#timer)
    this.#abort?.abort(new Error('the manager has been closed'))
  }

  #isDue(): boolean {
    const now = this.#clock.now()
    return now >= this.#dueAt && now >= this.#fullUntil
  }

  /** No connection may be opened for long, so it does not wait for one. */
  #readLater(pauseMs = PAUSE_MS): void {
    if (this.#timer !== undefined || this.#closed) return
    this.#dueAt = Math.min(this.#dueAt, this.#clock.now() + pauseMs)
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined
      // A timer may fire a little early by another clock.
      this.#dueAt = Number.NEGATIVE_INFINITY
      void this.read()
    }, pauseMs)
  }

  #retry(): void {
    const pauseMs = FIRST_RETRY_MS * 2 ** Math.min(this.#failures - 1, MOST_RETRIES)
    if (this.#failures <= MOST_RETRIES) this.#readLater(pauseMs)
    else this.#dueAt = this.#clock.now() + pauseMs
  }

  async #read(): Promise<void> {
    this.#begun = true
    // It comes before the one that was to come later, and what follows may need another pause.
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    const changes = this.#changes
    const abort = new AbortController()
    this.#abort = abort
    const timer = this.#clock.setTimeout(
      () => abort.abort(new Error(`the catalog was not read within ${LONGEST_MS} ms`)),
      LONGEST_MS,
    )
    let found: Snapshot | undefined
    let answered = true
    try {
      found = new Snapshot(answerOf(await this.#source.ask(CATALOG_QUERY, abort.signal)))
    } catch (error) {
      // The role may not be allowed to, it may take too long, or the server is none of PostgreSQL's.
      answered = isAnswer(error)
    }
    this.#clock.clearTimeout(timer)
    this.#reading = undefined
    const now = this.#clock.now()
    if (this.#changes !== changes) this.#readLater()
    else {
      // What was known before is true for a while, even if it cannot be read anew.
      if (found !== undefined) {
        this.#knownSince = now
        this.defining = found.defining
        this.mayTakeMemory = found.mayTakeMemory
      }
      this.latest = found ?? this.latest
      this.#dueAt = now + FRESH_MS
      this.#failures = answered ? 0 : this.#failures + 1
      if (!answered) this.#retry()
    }
  }
}

/** False if the connection was lost, by which nothing is said of the next. */
function isAnswer(error: unknown): boolean {
  const { code, severity } = error as { code?: unknown; severity?: unknown }
  // The end of a session says nothing of what it was asked, and the next one may be answered.
  if (typeof code === 'string' && code.startsWith(OPERATOR_INTERVENTION)) return false
  return severity !== undefined || error instanceof SyntaxError
}

/** Of several statements, of which the last has the answer. What is missing is empty: `json_agg` of no rows is null. */
function answerOf(result: unknown): CatalogAnswer {
  const results = (Array.isArray(result) ? result : [result]) as { rows: [string][] }[]
  const text = results.at(-1)?.rows[0]?.[0]
  const answer = JSON.parse(String(text)) as { [K in keyof CatalogAnswer]: CatalogAnswer[K] | null }
  return {
    harmless: answer.harmless ?? [],
    others: answer.others ?? [],
    columns: answer.columns ?? [],
    defining: answer.defining ?? [],
    operators: answer.operators ?? [],
    whenRead: answer.whenRead ?? [],
    whenWritten: answer.whenWritten ?? [],
    leads: answer.leads ?? [],
    cascades: answer.cascades ?? [],
    foreign: answer.foreign ?? [],
    hidden: answer.hidden ?? true,
    mayTakeMemory: answer.mayTakeMemory ?? false,
  }
}
