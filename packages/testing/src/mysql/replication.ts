import type { Connection, RowDataPacket } from 'mysql2/promise'
import { eventually } from '../eventually.js'
import { patient } from '../patience.js'
import type { ReplicationWords, Source } from './replication-words.js'

/** What a replica says about its replication. */
export interface ReplicationStatus {
  /** Whether it is connected to its primary and receives. */
  readonly receiving: boolean
  /** Whether it applies what it has received. */
  readonly applying: boolean
  /** Why either of them has stopped by itself, or cannot connect; empty if there is no reason. */
  readonly error: string
  /** By the server's own account; null while it does not know. */
  readonly secondsBehind: number | null
}

/** Errors that another attempt may mend: the primary is not there, or not yet. */
const RETRIED = new Set([0, 1040, 1053, 1158, 1159, 1160, 1161, 2002, 2003, 2006, 2013])

/** Replication as one server sees it, over an administrator's connection to it. */
export class Replication {
  readonly #connection: Connection
  readonly #words: ReplicationWords

  constructor(connection: Connection, words: ReplicationWords) {
    this.#connection = connection
    this.#words = words
  }

  /** Undefined on a server that follows no other. */
  async status(): Promise<ReplicationStatus | undefined> {
    const row = await this.#row()
    if (row === undefined) return undefined
    const { applying, receiving, secondsBehind } = this.#words.columns
    return {
      receiving: row[receiving] === 'Yes',
      applying: row[applying] === 'Yes',
      error: row.Last_SQL_Error || row.Last_IO_Error,
      secondsBehind: row[secondsBehind],
    }
  }

  /**
   * Follows another server from where this one is. Resolves when it receives and applies.
   *
   * @param demoted true for a former primary: what it has written itself counts as replicated
   * @throws if this server has executed what the source has not
   */
  async follow(source: Source, demoted: boolean): Promise<void> {
    const { columns, replica } = this.#words
    const where = `${source.host}:${source.port}`
    await this.#connection.query(`stop ${replica}`)
    await this.#words.change(this.#connection, source, demoted)
    await this.#connection.query(`start ${replica}`)
    let status: string | undefined
    await eventually(
      async () => {
        const row = await this.#row()
        const failed = row?.Last_SQL_Errno || row?.Last_IO_Errno || 0
        status = row?.Last_SQL_Error || row?.Last_IO_Error || row?.[columns.state]
        if (!RETRIED.has(failed)) throw new Error(`cannot follow ${where}: ${status}`)
        // A thread that runs may still be refused.
        const accepted = row?.[columns.receiving] === 'Yes' && row[columns.sourceLog] !== ''
        return accepted && row[columns.applying] === 'Yes'
      },
      () => `does not follow ${where}: ${status}`,
    )
  }

  /** Applies all that has been received, and follows no other server from then on. */
  async detach(): Promise<void> {
    const { columns, replica } = this.#words
    // First the applying: both stopped at once would throw away what has been received.
    await this.#connection.query(`start ${replica} sql_thread`)
    await this.#connection.query(`stop ${replica} io_thread`)
    const received = (await this.#row())?.[columns.received]
    if (received) await this.waitFor(received)
    await this.#connection.query(`stop ${replica}`)
    await this.#connection.query(`reset ${replica} all`)
  }

  /** Waits until the replica has applied everything up to a position. */
  async waitFor(gtids: string): Promise<void> {
    const seconds = patient(30_000) / 1000
    const [rows] = await this.#connection.query<RowDataPacket[]>(
      `select ${this.#words.wait}(?, ?) as result`,
      [gtids, seconds],
    )
    if (rows[0]?.result === 0) return
    const error = (await this.status())?.error || 'no error'
    throw new Error(
      `has not applied ${gtids} within ${seconds} s; its replication reports: ${error}`,
    )
  }

  async #row(): Promise<RowDataPacket | undefined> {
    const [rows] = await this.#connection.query<RowDataPacket[]>(
      `show ${this.#words.replica} status`,
    )
    return rows[0]
  }
}
