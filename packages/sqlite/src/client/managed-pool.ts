import type { Target } from '@connmgr/core'
import { SqliteConnectionManager } from '../connection-manager.js'
import type { SqliteManagerOptions } from '../options.js'
import { LibsqlClient } from './libsql-client.js'
import type { IntMode } from './types.js'

const FACADE = Symbol('facade of a manager')

interface Facade {
  readonly [FACADE]: {
    readonly manager: SqliteConnectionManager
    readonly target: Target
    readonly intMode: IntMode
  }
}

/**
 * The pool that the ecosystem of SQLite expects: libSQL's `Client`, which `drizzle-orm/libsql` and others take.
 *
 * `new ManagedPool` makes a manager of its own, which `close()` closes. `manager.pool` and `manager.replica` are facades of
 * a manager that others may use too: their `close()` closes the facade alone.
 *
 * @example
 * const db = drizzle(new ManagedPool({ filename: 'app.db' }))
 */
export class ManagedPool extends LibsqlClient {
  /** The manager behind this pool: metrics, leaks and health. */
  readonly $connections: SqliteConnectionManager
  readonly #owned: boolean

  /** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
  constructor(options: SqliteManagerOptions = {}) {
    const facade = (options as Partial<Facade>)[FACADE]
    const manager = facade?.manager ?? new SqliteConnectionManager(options, ManagedPool.of)
    super({
      manager,
      target: facade?.target ?? 'primary',
      intMode: facade?.intMode ?? manager.intMode,
    })
    this.$connections = manager
    this.#owned = facade === undefined
  }

  /** @internal The facade of a manager for one target. @param intMode `@default` that of the manager */
  static of(
    manager: SqliteConnectionManager,
    target: Target,
    intMode: IntMode = manager.intMode,
  ): ManagedPool {
    return new ManagedPool({ [FACADE]: { manager, target, intMode } } as SqliteManagerOptions)
  }

  override close(): void {
    super.close()
    // What is under way is waited for by `$connections.close()`, which returns the same promise.
    if (this.#owned) void this.$connections.close()
  }

  /** What `JSON.stringify`, `console.log` and loggers show of a pool. */
  toJSON(): object {
    return { closed: this.closed, ...this.$connections.toJSON() }
  }
}
