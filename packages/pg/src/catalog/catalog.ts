import type { Clock } from '@connmgr/core'
import type { Session } from '../session.js'
import { CATALOG_QUERY, type CatalogAnswer } from './catalog-query.js'
import { Snapshot } from './snapshot.js'

/** What is known of the functions, views and operators that statements may lead to. */
export interface Catalog {
  /** Whether a catalog is known, and a judgement is the same by all that are. */
  agree(judge: (snapshot: Snapshot) => boolean): boolean
}

/** After this time a catalog is read anew as soon as a connection is at hand. */
const FRESH_MS = 60_000
/** What has been read so long ago proves nothing any more: another program may have changed it. */
const VALID_MS = 300_000

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
      if (!catalog.wasRead) continue
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
  #readAt = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined
  /** Counts changes, so that what was read before or during one is not taken for what is there after it. */
  #changes = 0

  constructor(clock: Clock, invalidate: () => void) {
    this.#clock = clock
    this.#invalidate = invalidate
  }

  /** It has been read before, or at least that was tried. */
  get wasRead(): boolean {
    return this.#readAt !== Number.NEGATIVE_INFINITY
  }

  /** It is being read, or will be by the next connection that is at hand. */
  get mayBeRead(): boolean {
    return this.#reading !== undefined || this.#isDue
  }

  get #isDue(): boolean {
    return this.#clock.now() - this.#readAt >= FRESH_MS
  }

  agree(judge: (snapshot: Snapshot) => boolean): boolean {
    if (this.latest === undefined || this.#clock.now() - this.#readAt >= VALID_MS) return false
    return judge(this.latest)
  }

  /** A statement that may change it was sent, or has ended: what was read before no longer counts, here and elsewhere. */
  invalidate(): void {
    this.#invalidate()
  }

  forget(): void {
    this.#changes += 1
    this.latest = undefined
    if (this.wasRead) this.#readAt = this.#clock.now() - FRESH_MS
  }

  /**
   * Reads it if it is due, or waits for another that reads it if nothing is known yet. Never rejects: without it
   * statements are in doubt, and no worse.
   */
  async readIfDue(session: Pick<Session, 'ask'>): Promise<void> {
    if (this.#reading === undefined) {
      if (!this.#isDue) return
      this.#reading = this.#read(session)
    } else if (this.latest !== undefined) return
    await this.#reading
  }

  async #read(session: Pick<Session, 'ask'>): Promise<void> {
    const changes = this.#changes
    let found: Snapshot | undefined
    try {
      const { rows } = await session.ask<[string]>(CATALOG_QUERY)
      found = new Snapshot(answerOf(rows[0]?.[0]))
    } catch {
      // The role may not be allowed to, or the server is none of PostgreSQL's: then nothing is known.
    }
    this.#reading = undefined
    const changed = this.#changes !== changes
    this.latest = changed ? undefined : found
    // What has changed meanwhile is due again at once.
    this.#readAt = this.#clock.now() - (changed ? FRESH_MS : 0)
  }
}

/** What is missing is empty: `json_agg` of no rows is null. */
function answerOf(text: unknown): CatalogAnswer {
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
