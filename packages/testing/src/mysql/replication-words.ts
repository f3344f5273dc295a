import type { Connection, RowDataPacket } from 'mysql2/promise'
import { MYSQL_PASSWORDS } from './accounts.js'

/** Where a replica receives from. */
export interface Source {
  readonly host: string
  readonly port: number
  /** What the source has executed, by GTIDs. */
  readonly executed: string
}

/** How a product says what the other one says too. */
export interface ReplicationWords {
  /** `REPLICA` or `SLAVE`, in statements. */
  readonly replica: string
  /** The columns of the status: the thread that receives, the one that applies, and so on. */
  readonly columns: {
    readonly receiving: string
    readonly applying: string
    readonly secondsBehind: string
    readonly state: string
    /** The name of a log of the source: the first thing that a source sends. */
    readonly sourceLog: string
    /** The GTIDs of what was received. */
    readonly received: string
  }
  /** A function of GTIDs and seconds that gives 0 once they were applied. */
  readonly wait: string
  /**
   * Sets the source of a replica that is stopped.
   *
   * @param demoted true for a former primary: what it has written itself counts as replicated
   */
  change(connection: Connection, source: Source, demoted: boolean): Promise<void>
}

export const MARIADB_REPLICATION: ReplicationWords = {
  replica: 'slave',
  columns: {
    receiving: 'Slave_IO_Running',
    applying: 'Slave_SQL_Running',
    secondsBehind: 'Seconds_Behind_Master',
    state: 'Slave_IO_State',
    sourceLog: 'Master_Log_File',
    received: 'Gtid_IO_Pos',
  },
  wait: 'master_gtid_wait',
  async change(connection, { host, port }, demoted) {
    await connection.query(
      `change master to master_host = ?, master_port = ?, master_user = 'repl', master_password = ?,
         master_connect_retry = 1, ${demoted ? 'master_demote_to_slave = 1' : 'master_use_gtid = slave_pos'}`,
      [host, port, MYSQL_PASSWORDS.repl],
    )
  },
}

export const MYSQL_REPLICATION: ReplicationWords = {
  replica: 'replica',
  columns: {
    receiving: 'Replica_IO_Running',
    applying: 'Replica_SQL_Running',
    secondsBehind: 'Seconds_Behind_Source',
    state: 'Replica_IO_State',
    sourceLog: 'Source_Log_File',
    received: 'Retrieved_Gtid_Set',
  },
  wait: 'wait_for_executed_gtid_set',
  async change(connection, { host, port, executed }) {
    // MySQL replicates to a server that has written what its source has not, as if nothing were wrong.
    const [rows] = await connection.query<RowDataPacket[]>(
      'select gtid_subtract(@@global.gtid_executed, ?) as beyond',
      [executed],
    )
    const beyond = rows[0]?.beyond
    if (beyond) throw new Error(`cannot follow ${host}:${port}, which has not executed ${beyond}`)
    await connection.query(
      `change replication source to source_host = ?, source_port = ?, source_user = 'repl', source_password = ?,
         source_connect_retry = 1, source_auto_position = 1, get_source_public_key = 1`,
      [host, port, MYSQL_PASSWORDS.repl],
    )
  },
}
