import type { ClientConfig } from 'pg'
import type { PgConnectionManager } from './connection-manager.js'
import { connectionStringOf } from './endpoint-config.js'

/** How the engine's settings are called, and counted, in pg-pool. */
const SETTINGS: Readonly<Record<string, (manager: PgConnectionManager) => number | boolean>> = {
  max: (manager) => {
    const { poolSize, maxOverflow } = manager.getPoolSettings()
    return poolSize + maxOverflow
  },
  min: (manager) => manager.getPoolSettings().minIdle,
  idleTimeoutMillis: (manager) => orZero(manager.getPoolSettings().idleTimeoutMs),
  connectionTimeoutMillis: (manager) => manager.getPoolSettings().acquireTimeoutMs,
  maxUses: (manager) => manager.getPoolSettings().maxUses,
  maxLifetimeSeconds: (manager) => orZero(manager.getPoolSettings().maxLifetimeMs) / 1000,
  allowExitOnIdle: (manager) => manager.getPoolSettings().allowExitOnIdle,
}

/** What tells a library which server a pool leads to, or lets it open a connection of its own there. */
const SERVER = ['host', 'port', 'user', 'database', 'ssl', 'application_name'] as const

/**
 * Has the options of a pool show what the engine does, under pg-pool's names: whatever they were given as, and also after
 * `resize`. Setting `max` resizes, as with pg-pool; what cannot be changed is read-only.
 */
export function showSettings(options: object, manager: PgConnectionManager): void {
  for (const [name, read] of Object.entries(SETTINGS)) {
    Object.defineProperty(options, name, {
      get: () => read(manager),
      ...(name === 'max' ? { set: (max: number) => resize(manager, max) } : {}),
      enumerable: true,
      configurable: true,
    })
  }
}

/** Completes the options of a pool by the preferred server: where it is and how to log in. Secrets are to be hidden after. */
export function showServer(options: object, { preferred }: PgConnectionManager): void {
  const shown = options as Record<string, unknown>
  const config = preferred.config as ClientConfig
  for (const name of SERVER) if (config[name] !== undefined) shown[name] ??= config[name]
  if (config.password !== undefined) shown.password ??= config.password
  const connectionString = connectionStringOf(preferred)
  if (connectionString !== undefined) shown.connectionString ??= connectionString
}

/** The part above `poolSize` stays what it is, as far as there is room for it. */
function resize(manager: PgConnectionManager, max: number): void {
  const maxOverflow = Math.min(manager.getPoolSettings().maxOverflow, max)
  manager.resize({ poolSize: max - maxOverflow, maxOverflow })
}

function orZero(ms: number): number {
  return Number.isFinite(ms) ? ms : 0
}
