/** Found by every copy of this module, also by those that a bundler or a reload has made anew. */
const REGISTRY = Symbol.for('connmgr.once')

/** A manager, or what has one: a client of Prisma or a database of Drizzle; or a DataSource of TypeORM. */
interface Made {
  readonly closed?: unknown
  readonly $connections?: { readonly closed: boolean }
  readonly isInitialized?: unknown
}

interface Kept {
  readonly made: object
  /** What a promise has come to. */
  opened?: Made
}

function isClosed({ $connections, closed }: Made): boolean {
  return ($connections?.closed ?? closed) === true
}

function isOver({ made, opened }: Kept): boolean {
  if (opened === undefined) return isClosed(made)
  // A caller that has the DataSource can open it again; no one else opens one that `create` has opened.
  return isClosed(opened) || opened.isInitialized === false
}

/**
 * The one manager, client, database or DataSource with this name in the process: made by `create` when first asked for, or again once it was closed.
 * For servers that reload their modules, which would otherwise open pool after pool; whatever changes in `create` takes
 * effect after `close()` or a restart. `create` may be asynchronous: all get the same promise, and one that rejects is
 * not kept.
 *
 * @example
 * export const manager = once('main', () => createConnectionManager({ databaseUrl: process.env.DATABASE_URL }))
 * export const prisma = once('main', () => withConnectionManager(PrismaClient, { databaseUrl }))
 * export const dataSource = await once('main', () => new DataSource(withConnectionManager(options)).initialize())
 */
export function once<M extends object>(name: string, create: () => M): M {
  const holder = globalThis as { [REGISTRY]?: Map<string, Kept> }
  holder[REGISTRY] ??= new Map()
  const registry = holder[REGISTRY]
  const known = registry.get(name)
  if (known !== undefined && !isOver(known)) return known.made as M
  const kept: Kept = { made: create() }
  registry.set(name, kept)
  if (kept.made instanceof Promise) follow(kept, kept.made, registry, name)
  return kept.made as M
}

function follow(
  kept: Kept,
  opening: Promise<unknown>,
  registry: Map<string, Kept>,
  name: string,
): void {
  opening.then(
    (opened) => {
      if (typeof opened === 'object' && opened !== null) kept.opened = opened
    },
    () => {
      // The caller that awaits it has the error.
      if (registry.get(name) === kept) registry.delete(name)
    },
  )
}
