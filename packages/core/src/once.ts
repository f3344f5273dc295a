/** Found by every copy of this module, also by those that a bundler or a reload has made anew. */
const REGISTRY = Symbol.for('connmgr.once')

interface Closable {
  readonly closed: boolean
}

/**
 * The one manager with this name in the process: made by `create` when first asked for, or again once it was closed.
 * For servers that reload their modules, which would otherwise open pool after pool; whatever changes in `create` takes
 * effect after `close()` or a restart.
 *
 * @example
 * export const manager = once('main', () => createConnectionManager({ databaseUrl: process.env.DATABASE_URL }))
 */
export function once<M extends Closable>(name: string, create: () => M): M {
  const holder = globalThis as { [REGISTRY]?: Map<string, Closable> }
  holder[REGISTRY] ??= new Map()
  const known = holder[REGISTRY].get(name)
  if (known !== undefined && !known.closed) return known as M
  const made = create()
  holder[REGISTRY].set(name, made)
  return made
}
