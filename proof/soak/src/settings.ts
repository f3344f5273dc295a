import type { PgManagerOptions } from '@connmgr/pg'

export const POOL_SIZE = 4
export const MAX_OVERFLOW = 4
export const LEAK_THRESHOLD_MS = 1500
/** What a caller without a deadline of its own waits for a connection; far above what any may have to. */
const PATIENCE_MS = 30_000
export const APPLICATION_NAME = 'connmgr-soak'
/** What the manager's own health checks call themselves. */
export const PROBE_NAME = 'connmgr-probe'

/** Short times, so that within a minute everything that ends a connection has ended many. */
export const MANAGER_OPTIONS: PgManagerOptions = {
  name: 'soak',
  poolSize: POOL_SIZE,
  maxOverflow: MAX_OVERFLOW,
  minIdle: 1,
  idleTimeoutMs: 2000,
  maxLifetimeMs: 8000,
  acquireTimeoutMs: PATIENCE_MS,
  reset: 'discard-all',
  leakDetection: { thresholdMs: LEAK_THRESHOLD_MS },
  healthMonitoring: { intervalMs: 1000 },
  clientConfig: { application_name: APPLICATION_NAME },
  // Trouble is made on purpose here, and what comes of it is counted.
  logger: false,
}

/** `soak_elsewhere` is a schema that only those who change their `search_path` look into. */
export const SCHEMA = `
  create table soak_write (id bigint generated always as identity, written_by text not null);
  create schema soak_elsewhere`
