import type { Target } from '../targets.js'
import { openMysql } from './open-mysql.js'
import { openPostgresql } from './open-postgresql.js'
import { openSqlite } from './open-sqlite.js'
import type { Opened } from './opened.js'

/**
 * Opens a session with a server or a file.
 *
 * @param leftMs what a locked file may be waited for
 */
export function openTarget(target: Target, signal: AbortSignal, leftMs: number): Promise<Opened> {
  switch (target.kind) {
    case 'postgresql':
      return openPostgresql(target.endpoint, signal)
    case 'mysql':
      return openMysql(target.endpoint, signal)
    case 'sqlite':
      return openSqlite(target.location as string, leftMs)
  }
}
