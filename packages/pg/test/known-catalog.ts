import { eventually } from '@connmgr/testing'
import type { Catalog } from '../src/catalog/catalog.js'
import type { CatalogAnswer } from '../src/catalog/catalog-query.js'
import { Snapshot } from '../src/catalog/snapshot.js'

/** Of the server's own functions, those that the tests call. */
const HARMLESS =
  `abs array_agg count current_setting gen_random_uuid json_agg json_build_array left log lower max now
  pg_sleep random reverse substring to_jsonb`.split(/\s+/)

/** What a database would answer that has what a test names, and nothing else of a user's. */
export function snapshotOf(answer: Partial<CatalogAnswer> = {}): Snapshot {
  return new Snapshot({
    harmless: HARMLESS,
    others: [],
    columns: ['nextval', 'pg_notify'],
    defining: [],
    operators: [],
    whenRead: [],
    whenWritten: [],
    leads: [],
    cascades: [],
    foreign: [],
    hidden: false,
    mayTakeMemory: false,
    ...answer,
  })
}

/** Resolves when the pool has learned what is in its database, which it does beside its first connections. */
export async function catalogRead(pool: {
  readonly $connections: {
    warmUp(count: number): Promise<void>
    readonly driver: { readonly catalogs: { agree(judge: () => boolean): boolean } }
  }
}): Promise<void> {
  // It is read with the first connection.
  await pool.$connections.warmUp(1)
  await eventually(() => pool.$connections.driver.catalogs.agree(() => true))
}

/** A catalog that is known. */
export function knownCatalog(answer?: Partial<CatalogAnswer>): Catalog {
  const snapshot = snapshotOf(answer)
  return { agree: (judge) => judge(snapshot) }
}
