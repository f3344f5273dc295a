import { once } from 'node:events'
import type { AddressInfo, Server as NetServer } from 'node:net'
import mysql2 from 'mysql2'

/** What a scripted server answers a statement: a row, an error by its number, or OK. */
export type Answer =
  | Record<string, string | number | null>
  | { readonly error: number; readonly message: string }
  | 'ok'

const AUTOCOMMIT = 2
const CAPABILITIES = 0xdff7ff & ~0x20

/** A server that speaks MySQL's protocol as far as mysql2 can, for what no server at hand does. */
export interface ScriptedMysql {
  readonly port: number
  /** The statements it has got. */
  readonly received: string[]
  close(): Promise<void>
}

interface ServerConnection {
  sequenceId: number
  serverHandshake(options: object): void
  on(event: string, listener: (...args: never[]) => void): void
  writeOk(options: object): void
  writeError(options: object): void
  writeColumns(columns: object[]): void
  writeTextRow(row: unknown[]): void
  writeEof(warnings: number, status: number): void
  close(): void
}

export async function startScriptedMysql(
  version: string,
  answer: (sql: string) => Answer,
): Promise<ScriptedMysql> {
  const received: string[] = []
  const open = new Set<ServerConnection>()
  let id = 100
  const server = (
    mysql2 as unknown as {
      createServer(): {
        listen(port: number, host: string): void
        on(event: string, listener: (connection: ServerConnection) => void): void
        _server: NetServer
      }
    }
  ).createServer()
  server.on('connection', (connection) => {
    open.add(connection)
    id += 1
    connection.serverHandshake({
      protocolVersion: 10,
      serverVersion: version,
      connectionId: id,
      statusFlags: AUTOCOMMIT,
      characterSet: 45,
      capabilityFlags: CAPABILITIES,
      authCallback: (_login: unknown, done: (error: null) => void) => {
        done(null)
        connection.sequenceId = 0
      },
    })
    connection.on('error', () => {})
    connection.on('end', () => open.delete(connection))
    connection.on('query', (sql: string) => {
      received.push(sql)
      // mysql2 leaves the numbering of packets to the server that is made with it.
      connection.sequenceId = 1
      const said = answer(sql)
      if (said === 'ok')
        connection.writeOk({ affectedRows: 0, insertId: 0, serverStatus: AUTOCOMMIT })
      else if ('error' in said) connection.writeError({ code: said.error, message: said.message })
      else {
        connection.writeColumns(Object.keys(said).map(column))
        connection.writeTextRow(
          Object.values(said).map((each) => (each === null ? null : String(each))),
        )
        connection.writeEof(0, AUTOCOMMIT)
      }
      connection.sequenceId = 0
    })
  })
  server.listen(0, '127.0.0.1')
  const net = server._server
  if (!net.listening) await once(net, 'listening')
  return {
    port: (net.address() as AddressInfo).port,
    received,
    close: async () => {
      for (const each of open) each.close()
      await new Promise((resolve) => net.close(resolve))
    },
  }
}

function column(name: string): object {
  return {
    catalog: 'def',
    schema: '',
    table: '',
    orgTable: '',
    name,
    orgName: name,
    characterSet: 45,
    columnLength: 1024,
    columnType: 253,
    flags: 0,
    decimals: 0,
  }
}
