import { createConnectionManager, type PgConnectionManager, patroniTopology } from '@connmgr/pg'
import pg from 'pg'
import { Recorder } from '../src/recorder.js'
import type { PatroniLab } from './lab/patroni-lab.js'

/** A route from the callers to the servers. */
export interface Route {
  readonly name: RouteName
  readonly description: string
  /** False for a peer that is only compared with. */
  readonly ours: boolean
  /** What it is compared with of what was measured before. */
  readonly peer?: 'haproxy' | 'pgbouncer'
  open(lab: PatroniLab): OpenRoute
}

export interface OpenRoute {
  query(text: string, values: readonly unknown[]): Promise<readonly Record<string, unknown>[]>
  /** From a standby, where the route leads to one. */
  read(text: string): Promise<unknown>
  /** What the manager reports; there is none without a manager. */
  readonly recorder?: Recorder
  close(): Promise<void>
}

export type RouteName =
  | 'direct'
  | 'replay'
  | 'patroni-api'
  | 'haproxy'
  | 'services'
  | 'pgbouncer'
  | 'haproxy-pg'

export const ROUTES: readonly Route[] = [
  {
    name: 'direct',
    description: 'connmgr, the URLs of all three servers',
    ours: true,
    peer: 'haproxy',
    open: ({ urls }) => managed(createConnectionManager({ ...COMMON, ...direct(urls) })),
  },
  {
    name: 'replay',
    description: "the same, in transactions with replay: 'safe'",
    ours: true,
    peer: 'haproxy',
    open: ({ urls }) => replaying(createConnectionManager({ ...COMMON, ...direct(urls) })),
  },
  {
    name: 'patroni-api',
    description: "connmgr, one URL and Patroni's API to find the others",
    ours: true,
    peer: 'haproxy',
    open: ({ urls, nodes }) =>
      managed(
        createConnectionManager({
          ...COMMON,
          databaseUrl: urls[0] as string,
          failoverUrls: [],
          topology: patroniTopology({ urls: nodes.map(({ api }) => api.url), refreshMs: 250 }),
        }),
      ),
  },
  {
    name: 'haproxy',
    description: 'connmgr through HAProxy, a second manager for reads',
    ours: true,
    peer: 'haproxy',
    open: ({ proxyUrl, proxyReadsUrl }) => {
      const open = (databaseUrl: string): PgConnectionManager =>
        createConnectionManager({ ...COMMON, databaseUrl, failoverUrls: [] })
      const reading = open(proxyReadsUrl)
      const writing = managed(open(proxyUrl))
      return {
        ...writing,
        read: (text) => reading.pool.query(text),
        close: async () => {
          await Promise.all([writing.close(), reading.close({ drainTimeoutMs: 2000 })])
        },
      }
    },
  },
  {
    name: 'services',
    description: 'connmgr, one name for the primary and one for standbys, as in Kubernetes',
    ours: true,
    open: ({ serviceUrls: { writes, reads } }) =>
      managed(createConnectionManager({ ...COMMON, databaseUrl: writes, failoverUrls: [reads] })),
  },
  {
    name: 'pgbouncer',
    description: 'connmgr through PgBouncer and HAProxy',
    ours: true,
    peer: 'pgbouncer',
    open: (lab) =>
      managed(
        createConnectionManager({ ...COMMON, databaseUrl: lab.bouncer.url(), failoverUrls: [] }),
      ),
  },
  {
    name: 'haproxy-pg',
    description: 'for comparison: pg.Pool with timeouts through HAProxy',
    ours: false,
    peer: 'haproxy',
    open: (lab) => plain(lab.proxyUrl),
  },
]

const POOL_SIZE = 10
const COMMON = { logger: false, poolSize: POOL_SIZE, maxOverflow: 0 } as const

function managed(manager: PgConnectionManager): OpenRoute {
  return {
    recorder: new Recorder(manager),
    query: async (text, values) => (await manager.pool.query(text, [...values])).rows,
    read: (text) => manager.replica.query(text),
    close: () => manager.close({ drainTimeoutMs: 2000 }),
  }
}

function direct(urls: readonly string[]): { databaseUrl: string; failoverUrls: string[] } {
  const [databaseUrl, ...failoverUrls] = urls
  return { databaseUrl: databaseUrl as string, failoverUrls }
}

function replaying(manager: PgConnectionManager): OpenRoute {
  return {
    ...managed(manager),
    query: (text, values) =>
      manager.transaction(async (client) => (await client.query(text, [...values])).rows, {
        replay: 'safe',
      }),
  }
}

/** As its documentation sets it up: with timeouts, and a listener that keeps it from ending the process. */
function plain(connectionString: string): OpenRoute {
  const pool = new pg.Pool({
    connectionString,
    max: POOL_SIZE,
    connectionTimeoutMillis: 2000,
    query_timeout: 3000,
  })
  pool.on('error', () => {
    // The next user of the connection hears of it.
  })
  return {
    query: async (text, values) => (await pool.query(text, [...values])).rows,
    read: (text) => pool.query(text),
    close: () => pool.end(),
  }
}
