import { TLSSocket } from 'node:tls'
import type { Endpoint } from '@connmgr/core'
import { makeEndpoint, withHiddenPassword } from '@connmgr/core/driver'
import type { OpenedPostgresql, Row, ServerRole, TlsFacts } from './opened.js'
import { tlsOf } from './tls.js'

/** What of node-postgres' client is used beside its methods. */
interface ClientParts {
  readonly connection?: { readonly stream?: unknown }
  readonly processID?: unknown
  query(query: { text: string; values?: unknown[]; name?: string }): Promise<{ rows: Row[] }>
}

/** Logs in to a PostgreSQL server. Rejects with the reason of `signal` if that fires first. */
export async function openPostgresql(
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<OpenedPostgresql> {
  const { PgDriver } = await import('@connmgr/pg')
  const driver = new PgDriver()
  const client = await driver.connect(endpoint, { signal, onSignal: () => {} })
  const parts = client as unknown as ClientParts
  return {
    async query(text, values = []) {
      const { rows } = await parts.query({ text, values: [...values] })
      return rows
    },
    async queryPrepared(name, text) {
      const { rows } = await parts.query({ name, text })
      return rows
    },
    another: (database) => openPostgresql(databaseAt(endpoint, database), signal),
    async role(): Promise<ServerRole> {
      const { role, writable, cluster, server, missing = [] } = await driver.replication.ask(client)
      return { role, writable, cluster, server, missing }
    },
    tls: tlsFacts(parts),
    processId: typeof parts.processID === 'number' ? parts.processID : undefined,
    async close() {
      await driver.close(client)
      driver.catalogs.close()
    },
    destroy() {
      driver.destroy(client)
      driver.catalogs.close()
    },
  }
}

/** The same server, role and settings with another database. */
function databaseAt(endpoint: Endpoint, database = endpoint.database): Endpoint {
  const config = endpoint.config as { password?: string }
  return makeEndpoint(
    { ...endpoint, ...(database === undefined ? {} : { database }) },
    withHiddenPassword({ ...config, database }, config.password),
  )
}

function tlsFacts({ connection }: ClientParts): TlsFacts {
  const { stream } = connection ?? {}
  return stream instanceof TLSSocket ? tlsOf(stream) : { encrypted: false }
}
