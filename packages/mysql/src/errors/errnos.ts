import type { FailureKind } from '@connmgr/core/driver'

/**
 * Numbers of errors that decide something. Below 1900 MySQL and MariaDB agree; what one of them alone raises is marked, and
 * the other uses none of these numbers for anything else that reaches a client, except where a text is looked at.
 */
const BY_ERRNO: ReadonlyMap<number, FailureKind> = new Map([
  [1040, 'busy'], // too many connections
  [1203, 'busy'], // max_user_connections
  [1226, 'busy'], // a limit of the account
  [1044, 'setup'], // no right to the database
  [1045, 'setup'], // wrong password
  [1049, 'setup'], // no such database
  [1129, 'setup'], // the host is blocked, after too many interrupted logins
  [1130, 'setup'], // the host may not log in
  [1251, 'setup'], // the login method is not supported
  [1275, 'setup'], // likewise, with old passwords
  [1524, 'setup'], // a plugin of the account is not loaded
  [1698, 'setup'], // the account logs in without a password, by its user of the system
  [1862, 'setup'], // MySQL and MariaDB: the password has expired
  [3118, 'setup'], // MySQL: the account is locked
  [3159, 'setup'], // MySQL: TLS is required
  [4151, 'setup'], // MariaDB: the account is locked
  [1053, 'shutdown'],
  [1080, 'shutdown'], // forced close of a thread
  [3032, 'shutdown'], // MySQL: offline mode
  [1152, 'lost'], // an aborted connection
  [1158, 'lost'],
  [1159, 'lost'],
  [1160, 'lost'],
  [1161, 'lost'],
  [1184, 'lost'],
  [1927, 'lost'], // MariaDB: KILL
  [3169, 'lost'], // MySQL: KILL
  [1792, 'read-only'], // in a transaction that only reads
  [1836, 'read-only'],
  [1874, 'read-only'], // innodb_read_only
  [1020, 'serialization'], // MariaDB: changed since it was read, with innodb_snapshot_isolation
  [1213, 'serialization'], // deadlock
  [1614, 'serialization'], // deadlock, in an XA transaction
  [3101, 'serialization'], // MySQL: group replication
])

/** Its text has the name of the option, in every language. */
const READ_ONLY_OPTION = /read[-_]only/i
/** Galera answers every command with the number of an unknown one while a node is not ready. */
const NOT_READY = /wsrep/i

/** What the server means by an error; undefined if by its number alone it is about the statement. */
export function kindOfErrno(errno: number, message: string): FailureKind | undefined {
  if (errno === 1290) return READ_ONLY_OPTION.test(message) ? 'read-only' : undefined
  if (errno === 1047) return NOT_READY.test(message) ? 'starting' : undefined
  // MySQL: the server has ended an idle session. MariaDB has the number for something about triggers.
  if (errno === 4031) return /inactivity|wait_timeout/.test(message) ? 'lost' : undefined
  return BY_ERRNO.get(errno)
}

/** The whole transaction is rolled back by these, on every server and with all settings. */
export const ROLLS_BACK_TRANSACTION: ReadonlySet<number> = new Set([1213, 1614, 3101])

/** Limits on time that were set on purpose, and KILL QUERY. */
export const LIMITS: ReadonlySet<number> = new Set([
  1205, // innodb_lock_wait_timeout
  1317, // KILL QUERY
  1969, // MariaDB: max_statement_time
  3024, // MySQL: max_execution_time
  4031, // MySQL: wait_timeout, interactive_timeout
])
