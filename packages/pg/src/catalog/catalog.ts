import type { Clock } from '@connmgr/core'
import { CATALOG_QUERY, type CatalogAnswer } from './catalog-query.js'
import { Snapshot } from './snapshot.js'

/** What is known of the functions, views and operators that statements may lead to. */
export interface Catalog {
  /** Whether a catalog is known, and a judgement is the same by all that are. */
  agree(judge: (snapshot: Snapshot) => boolean): boolean
}

/** What a catalog is read from. */
interface CatalogSource {
  ask(text: string): Promise<unknown>
}

/** After this time a catalog is read anew as soon as a connection is at hand. */
const FRESH_MS = 60_000
/** What has been read so long ago proves nothing any more: another program may have changed it. */
const VALID_MS = 300_000
/** After a connection for it was lost, or could not be had, another is tried so much later. */
const RETRY_MS = 5000

/**
 * The catalogs of the databases behind the endpoints of one driver, each read by the first connection to it and again
 * now and then. Until one has been read nothing is known of its database; the same if reading it fails.
 */
export class Catalogs implements Catalog {
  readonly #clock: Clock
  readonly #byEndpoint = new Map<string, EndpointCatalog>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** That of one endpoint. Connections to it may lead to different servers, but to databases of one name. */
  of(endpointId: string): EndpointCatalog {
    let catalog = this.#byEndpoint.get(endpointId)
    if (catalog === undefined) {
      catalog = new EndpointCatalog(this.#clock, () => this.#invalidate())
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

  /** What one connection changes concerns them all: standbys follow, and a statement may be routed to any of them. */
  #invalidate(): void {
    for (const catalog of this.#byEndpoint.values()) catalog.forget()
  }
}

/** The catalog of the database behind one endpoint. */
export class EndpointCatalog implements Catalog {
  readonly #clock: Clock
  readonly #invalidate: () => void
  /** As it was read last, unless it has changed since; undefined if it is not known. */
  latest: Snapshot | undefined
  /** A probe of the endpoint reads it. */
  isWatched = false
  /** When it was read last, or has changed since. */
  #knownSince = Number.NEGATIVE_INFINITY
  /** When the server answered last to being asked for it, if by an error. */
  #askedAt = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined
  /** Counts changes, so that what was read before or during one is not taken for what is there after it. */
  #changes = 0

  constructor(clock: Clock, invalidate: () => void) {
    this.#clock = clock
    this.#invalidate = invalidate
  }

  /** It has not been read lately, or never. */
  get isOutdated(): boolean {
    return this.#clock.now() - this.#knownSince >= VALID_MS
  }

  /** It is being read, or will be by the next connection that is at hand. */
  get mayBeRead(): boolean {
    return this.#reading !== undefined || this.#isDue
  }

  get #isDue(): boolean {
    return this.#clock.now() - this.#askedAt >= FRESH_MS
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
    this.#askedAt = Number.NEGATIVE_INFINITY
    if (!this.isOutdated) this.#knownSince = this.#clock.now()
  }

  /**
   * Reads it if it is due, or waits for another that reads it if nothing is known yet. Never rejects: without it
   * statements are in doubt, and no worse.
   */
  async readIfDue(server: CatalogSource): Promise<void> {
    if (this.#reading === undefined) {
      if (!this.#isDue) return
      this.#reading = this.#read(server)
    } else if (this.latest !== undefined) return
    await this.#reading
  }

  async #read(server: CatalogSource): Promise<void> {
    const changes = this.#changes
    let found: Snapshot | undefined
    let answered = true
    try {
      found = new Snapshot(answerOf(await server.ask(CATALOG_QUERY)))
    } catch (error) {
      // The role may not be allowed to, it may take too long, or the server is none of PostgreSQL's.
      answered = isAnswer(error)
    }
    this.#reading = undefined
    const now = this.#clock.now()
    if (this.#changes !== changes) return
    // What was known before is true for a while, even if it cannot be read anew.
    if (found !== undefined) this.#knownSince = now
    this.latest = found ?? this.latest
    this.#askedAt = answered ? now : now - FRESH_MS + RETRY_MS
  }
}

/** False if the connection was lost, by which nothing is said of the next. */
function isAnswer(error: unknown): boolean {
  return (error as { severity?: unknown }).severity !== undefined || error instanceof SyntaxError
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
    operators: answer.operators ?? [],
    whenRead: answer.whenRead ?? [],
    whenWritten: answer.whenWritten ?? [],
    leads: answer.leads ?? [],
    cascades: answer.cascades ?? [],
    foreign: answer.foreign ?? [],
    hidden: answer.hidden ?? true,
  }
}
