import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Row } from './packets.js'
import { ScriptedSession } from './scripted-session.js'

/** An error as a server reports it. */
export interface MysqlError {
  readonly errno: number
  /** @default 'HY000' */
  readonly sqlState?: string
  /** @default 'scripted' */
  readonly message?: string
  /** Whether the server ends the session with it. @default false; an error in place of a login always ends it */
  readonly close?: boolean
}

/** A success without rows. */
export interface MysqlOk {
  readonly affectedRows?: number
  readonly insertId?: number
  /** What the session's status is from then on, see {@link SERVER_STATUS}. @default as before; AUTOCOMMIT at first */
  readonly status?: number
  /** Sent as the session tracker `session_track_gtids` would. */
  readonly gtids?: string
}

/** A success with rows. All columns come as texts, and are those of the first row. */
export interface MysqlRows {
  readonly rows: readonly Row[]
  /** As in {@link MysqlOk}. */
  readonly status?: number
}

/**
 * What the server does: answers, never answers (`silence`), or ends the connection with a FIN (`close`) or a RST
 * (`reset`). Undefined is a success without rows.
 */
export type MysqlReply =
  | MysqlOk
  | MysqlRows
  | MysqlError
  | 'silence'
  | 'close'
  | 'reset'
  | undefined

/** What a script sees of a connection. */
export interface MysqlSession {
  /** As `KILL` and `CONNECTION_ID()` have it. */
  readonly id: number
  readonly user: string
  readonly database: string | undefined
  /** What the client has sent here, in the form in which {@link MysqlScript.answer} gets it. */
  readonly statements: readonly string[]
}

/** What a {@link ScriptedMysql} is like. */
export interface MysqlScript {
  /** @default '8.4.3' */
  readonly version?: string
  /** Whether it speaks TLS, with the certificate of the tests. @default false */
  readonly tls?: boolean
  /** What comes in place of the greeting: a full server says 1040 there, and one that has blocked a host 1129. */
  readonly greet?: () => Exclude<MysqlReply, MysqlOk | MysqlRows>
  /** What a login gets; passwords are not looked at. @default it is let in */
  readonly login?: (session: MysqlSession) => MysqlReply
  /**
   * What a statement gets, simple or prepared. Other commands come by their names: `COM_PING`,
   * `COM_RESET_CONNECTION`, `COM_CHANGE_USER` and `COM_INIT_DB name`; so do unknown ones, with their number.
   *
   * @default nothing but successes
   */
  readonly answer?: (statement: string, session: MysqlSession) => MysqlReply | Promise<MysqlReply>
}

/** A server that speaks as much of MySQL's protocol as a test needs, and keeps what clients tell it. */
export interface ScriptedMysql {
  readonly host: string
  readonly port: number
  readonly url: string
  /** Of all connections, in the order in which they came. */
  readonly statements: readonly string[]
  /** Logins that were begun. */
  readonly logins: readonly MysqlSession[]
  /** Connections that are open. */
  readonly connections: number
  /** Ends one connection, or all: at once, or with an error that no statement has asked for. */
  end(how: 'close' | 'reset' | MysqlError, id?: number): void
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts one on a free port of 127.0.0.1.
 *
 * @example
 * await using server = await startScriptedMysql({
 *   answer: (sql) => (sql.startsWith('insert') ? { errno: 1290, message: 'running with the --super-read-only option' } : undefined),
 * })
 */
export async function startScriptedMysql(script: MysqlScript = {}): Promise<ScriptedMysql> {
  const statements: string[] = []
  const logins: MysqlSession[] = []
  const sessions = new Set<ScriptedSession>()
  let latestId = 0

  function accept(socket: Socket): void {
    latestId += 1
    const session: ScriptedSession = new ScriptedSession(socket, latestId, script, {
      onLogin: () => logins.push(session),
      onStatement: (statement) => statements.push(statement),
      onClose: () => sessions.delete(session),
    })
    sessions.add(session)
    session.greet()
  }

  const server = createServer({ noDelay: true }, accept).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  async function close(): Promise<void> {
    const open = [...sessions]
    for (const session of open) session.end('close')
    await Promise.all(open.map(({ closed }) => closed))
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }

  return {
    host: '127.0.0.1',
    port,
    url: `mysql://app:app-secret@127.0.0.1:${port}/app`,
    statements,
    logins,
    get connections() {
      return sessions.size
    },
    end(how, id) {
      for (const session of sessions) if (id === undefined || session.id === id) session.end(how)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
