import type { Connection, RowDataPacket } from 'mysql2/promise'
import { eventually } from '../eventually.js'
import { patient } from '../patience.js'
import { MARIADB_PASSWORDS } from './accounts.js'

/** What a replica says about its replication. */
export interface ReplicationStatus {
  /** Whether it is connected to its primary and receives. */
  readonly receiving: boolean
  /** Whether it applies what it has received. */
  readonly applying: boolean
  /** Why either of them has stopped by itself, or cannot connect; empty if there is no reason. */
  readonly error: string
  /** By MariaDB's own account; null while it does not know. */
  readonly secondsBehind: number | null
}

/** Errors that another attempt may mend: the primary is not there, or not yet. */
const RETRIED = new Set([0, 1040, 1053, 1158, 1159, 1160, 1161, 2002, 2003, 2006, 2013])

/** Replication as one server sees it, over an administrator's connection to it. */
export class Replication {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Undefined on a server that follows no other. */
  async status(): Promise<ReplicationStatus | undefined> {
    const row = await this.#row()
    if (row === undefined) return undefined
    return {
      receiving: row.Slave_IO_Running === 'Yes',
      applying: row.Slave_SQL_Running === 'Yes',
      error: row.Last_SQL_Error || row.Last_IO_Error,
      secondsBehind: row.Seconds_Behind_Master,
    }
  }

  /**
   * Follows another server from where this one is. Resolves when it receives and applies.
   *
   * @param demoted true for a former primary: what it has written itself counts as replicated
   */
  async follow(primary: { host: string; port: number }, demoted: boolean): Promise<void> {
    const { host, port } = primary
    await this.#connection.query('stop slave')
    await this.#connection.query(
      `change master to master_host = ?, master_port = ?, master_user = 'repl', master_password = ?,
         master_connect_retry = 1, ${demoted ? 'master_demote_to_slave = 1' : 'master_use_gtid = slave_pos'}`,
      [host, port, MARIADB_PASSWORDS.repl],
    )
    await this.#connection.query('start slave')
    let status: string | undefined
    await eventually(
      async () => {
        const row = await this.#row()
        const failed = row?.Last_SQL_Errno || row?.Last_IO_Errno || 0
        status = row?.Last_SQL_Error || row?.Last_IO_Error || row?.Slave_IO_State
        if (!RETRIED.has(failed)) throw new Error(`cannot follow ${host}:${port}: ${status}`)
        // A thread that runs may still be refused. The name of a log is the first thing that a primary sends.
        const accepted = row?.Slave_IO_Running === 'Yes' && row.Master_Log_File !== ''
        return accepted && row.Slave_SQL_Running === 'Yes'
      },
      () => `does not follow ${host}:${port}: ${status}`,
    )
  }

  /** Applies all that has been received, and follows no other server from then on. */
  async detach(): Promise<void> {
    // First the applying: both stopped at once would throw away what has been received.
    await this.#connection.query('start slave sql_thread')
    await this.#connection.query('stop slave io_thread')
    const received = (await this.#row())?.Gtid_IO_Pos
    if (received) await this.waitFor(received)
    await this.#connection.query('stop slave')
    await this.#connection.query('reset slave all')
  }

  /** Waits until the replica has applied everything up to a position. */
  async waitFor(gtids: string): Promise<void> {
    const seconds = patient(30_000) / 1000
    const [rows] = await this.#connection.query<RowDataPacket[]>(
      'select master_gtid_wait(?, ?) as result',
      [gtids, seconds],
    )
    if (rows[0]?.result === 0) return
    const error = (await this.status())?.error || 'no error'
    throw new Error(
      `has not applied ${gtids} within ${seconds} s; its replication reports: ${error}`,
    )
  }

  async #row(): Promise<RowDataPacket | undefined> {
    const [rows] = await this.#connection.query<RowDataPacket[]>('show slave status')
    return rows[0]
  }
}
