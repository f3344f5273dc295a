/** Found by every copy of this module, also by those that a bundler or a reload has made anew. */
const REGISTRY = Symbol.for('connmgr.once')

/** A manager, or what has one: a client of Prisma or a database of Drizzle. A DataSource of TypeORM can be opened again. */
interface Made {
  readonly closed?: unknown
  readonly $connections?: { readonly closed: boolean }
}

function isClosed({ $connections, closed }: Made): boolean {
  return ($connections?.closed ?? closed) === true
}

/**
 * The one manager, client, database or DataSource with this name in the process: made by `create` when first asked for, or again once it was closed.
 * For servers that reload their modules, which would otherwise open pool after pool; whatever changes in `create` takes
 * effect after `close()` or a restart.
 *
 * @example
 * export const manager = once('main', () => createConnectionManager({ databaseUrl: process.env.DATABASE_URL }))
 * export const prisma = once('main', () => withConnectionManager(PrismaClient, { databaseUrl }))
 */
export function once<M extends object>(name: string, create: () => M): M {
  const holder = globalThis as { [REGISTRY]?: Map<string, object> }
  holder[REGISTRY] ??= new Map()
  const known = holder[REGISTRY].get(name)
  if (known !== undefined && !isClosed(known)) return known as M
  const made = create()
  holder[REGISTRY].set(name, made)
  return made
}
