import {
  createConnectionManager,
  type PgConnectionManager,
  type PgManagerOptions,
} from '@connmgr/pg'
import pg from 'pg'

/** Connections of each contender. */
export const CONNECTIONS = 10

/** A manager with as many connections as the pools beside it. */
export function managerOf(url: string, options: PgManagerOptions = {}): PgConnectionManager {
  return createConnectionManager({
    databaseUrl: url,
    poolSize: CONNECTIONS,
    maxOverflow: 0,
    logger: false,
    ...options,
  })
}

/** node-postgres' own pool. */
export function poolOf(url: string): pg.Pool {
  return new pg.Pool({ connectionString: url, max: CONNECTIONS })
}
