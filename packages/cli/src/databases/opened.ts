import type { MissingRight, Role } from '@connmgr/core'

/** A row, by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>

/** How a connection is encrypted. */
export interface TlsFacts {
  readonly encrypted: boolean
  /** Whether the client has verified the certificate of the server. Undefined without encryption. */
  readonly verified?: boolean
  /** `TLSv1.3`. */
  readonly protocol?: string
  /** When the certificate of the server ends, as ISO 8601. */
  readonly certificateEnds?: string
}

/** What a server says of its part in a cluster. */
export interface ServerRole {
  readonly role: Role
  /** False for a primary that refuses writes, too. */
  readonly writable: boolean
  /** Names the cluster: servers that copy one another share it. */
  readonly cluster?: string | undefined
  /** Names the server, whatever address leads to it. */
  readonly server?: string | undefined
  /** What the role that logs in may not ask. */
  readonly missing: readonly MissingRight[]
}

/** A session of a command with one server. */
export interface Opened {
  query(text: string, values?: readonly unknown[]): Promise<Row[]>
  role(): Promise<ServerRole>
  readonly tls: TlsFacts | undefined
  /** Says goodbye. Rejects if the session is lost already. */
  close(): Promise<void>
  /** At once, whatever is running. */
  destroy(): void
}

/** Ends a session that has answered: how it ends does not matter any more. */
export async function leave(opened: Opened): Promise<void> {
  try {
    await opened.close()
  } catch {
    opened.destroy()
  }
}

/** A session with a PostgreSQL server. */
export interface OpenedPostgresql extends Opened {
  /** Runs a statement by a name that it is prepared under. */
  queryPrepared(name: string, text: string): Promise<Row[]>
  /** Opens another session of the role, with the same database or another. */
  another(database?: string): Promise<OpenedPostgresql>
  /** The id that the client received at its login: another one than the server's own if a pooler stands between. */
  readonly processId: number | undefined
}
