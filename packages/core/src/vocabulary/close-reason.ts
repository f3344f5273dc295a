/**
 * Why a connection was closed.
 *
 * `idle` was unused for `idleTimeoutMs`; `lifetime` reached `maxLifetimeMs`; `uses` reached `maxUses`; `overflow` was
 * above `poolSize` and not needed; `cleared` was invalidated with the whole pool; `invalid` failed validation; `lost`
 * was cut off by the server or network; `dirty` could not be cleaned; `destroyed` through its lease; `evicted` by
 * request; `leaked` was taken from its holder by leak detection; `reclaimed` by request; `query-timeout` ran one statement for longer than
 * `queryTimeoutMs`; `hook` was refused by a hook of the user; `budget` made room for a caller of another manager with the
 * same budget; `closed` with its pool.
 */
export type CloseReason =
  | 'idle'
  | 'lifetime'
  | 'uses'
  | 'overflow'
  | 'cleared'
  | 'invalid'
  | 'lost'
  | 'dirty'
  | 'destroyed'
  | 'evicted'
  | 'leaked'
  | 'reclaimed'
  | 'query-timeout'
  | 'hook'
  | 'budget'
  | 'closed'
