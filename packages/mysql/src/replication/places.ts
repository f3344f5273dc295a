import { UnsupportedError } from '@connmgr/core'
import type { Place, WritePlace } from '@connmgr/core/driver'
import type { Session } from '../session.js'
import { formatHistory, formatPosition } from './history.js'

/** What has been executed, applied by replication, and both together; and who the server is. */
const QUESTIONS = {
  mysql:
    'SELECT @@global.gtid_executed, NULL, NULL, @@global.server_uuid, @@global.read_only OR @@global.innodb_read_only',
  mariadb:
    'SELECT @@global.gtid_binlog_state, @@global.gtid_slave_pos, @@global.gtid_current_pos, @@global.server_id, @@global.read_only OR @@global.innodb_read_only',
} as const

/**
 * How far a primary has written. In MariaDB the log is ahead of what has been committed, never behind it.
 *
 * @throws UnsupportedError `CONNMGR_UNSUPPORTED` for a server that does not number its transactions
 */
export async function askWritePlace(session: Session): Promise<WritePlace> {
  const { applied, current, executed, server } = await ask(session)
  if (executed === '' && applied === '')
    throw new UnsupportedError(
      session.flavour === 'mysql'
        ? 'the server does not number its transactions, so that standbys cannot tell whether they have them; set gtid_mode=ON'
        : 'the server keeps no binary log, so that standbys cannot tell whether they have its transactions; set log_bin',
    )
  return {
    history: formatHistory(session.flavour, server, executed, applied),
    position: formatPosition(session.flavour, executed, current),
  }
}

/** Up to where a standby can be read; undefined if the server is none. */
export async function askReadPlace(session: Session): Promise<Place | undefined> {
  const { applied, executed, readOnly, server } = await ask(session)
  if (!readOnly) return undefined
  return {
    history: formatHistory(session.flavour, server, executed, applied),
    position: formatPosition(session.flavour, executed, applied),
  }
}

async function ask(session: Session): Promise<{
  executed: string
  applied: string
  current: string
  server: string
  readOnly: boolean
}> {
  const [row] = await session.ask(QUESTIONS[session.flavour])
  const [executed, applied, current, server, readOnly] = row ?? []
  return {
    executed: executed ?? '',
    applied: applied ?? '',
    current: current ?? '',
    server: server ?? '',
    readOnly: readOnly === '1',
  }
}
