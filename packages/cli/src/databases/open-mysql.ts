import { TLSSocket } from 'node:tls'
import type { Endpoint } from '@connmgr/core'
import type { Opened, Row, ServerRole, TlsFacts } from './opened.js'
import { tlsOf } from './tls.js'

/** What of mysql2's connection is used. */
interface ConnectionParts {
  readonly stream?: unknown
  query(text: string, values: unknown[], callback: (error: unknown, rows: unknown) => void): unknown
}

/** Logs in to a server of MySQL or MariaDB. Rejects with the reason of `signal` if that fires first. */
export async function openMysql(endpoint: Endpoint, signal: AbortSignal): Promise<Opened> {
  const { MysqlDriver } = await import('@connmgr/mysql')
  const driver = new MysqlDriver()
  const connection = await driver.connect(endpoint, { signal, onSignal: () => {} })
  const parts = connection as unknown as ConnectionParts
  const query = (text: string, values: readonly unknown[] = []): Promise<Row[]> =>
    new Promise((resolve, reject) => {
      parts.query(text, [...values], (error, rows) => {
        if (error) reject(error)
        else resolve(Array.isArray(rows) ? (rows as Row[]) : [])
      })
    })
  return {
    query,
    async role(): Promise<ServerRole> {
      const found = await driver.replication.ask(connection)
      const { role, writable, cluster, server, missing = [] } = found
      return { role, writable, cluster, server, missing }
    },
    tls: tlsFacts(parts),
    close: () => driver.close(connection),
    destroy: () => driver.destroy(connection),
  }
}

function tlsFacts({ stream }: ConnectionParts): TlsFacts {
  return stream instanceof TLSSocket ? tlsOf(stream) : { encrypted: false }
}
