/**
 * The accounts of every server of the lab, by their names, with their passwords.
 *
 * - `app` has all rights on the database `app` and none beyond it, so `read_only` binds it
 * - `admin` has all rights, so it writes on a read-only server too
 * - `repl` is the account that replicas log in with
 * - `monitor` may log in and nothing else: it sees variables, but not the status of replication
 */
export const MYSQL_PASSWORDS = {
  app: 'app-secret',
  admin: 'admin-secret',
  repl: 'repl-secret',
  monitor: 'monitor-secret',
} as const

/** The account of the lab itself, with all rights: what it does counts as no client's. */
export const LAB = { user: 'lab', password: 'lab-secret' } as const

export type MysqlAccount = keyof typeof MYSQL_PASSWORDS

/** The database of the application, which `app` owns. */
export const MYSQL_DATABASE = 'app'

const ALL = 'all privileges on *.*'
const RIGHTS: Readonly<Record<MysqlAccount, string | undefined>> = {
  app: `all privileges on ${MYSQL_DATABASE}.*`,
  admin: ALL,
  repl: 'replication slave on *.*',
  monitor: undefined,
}

/** Statements, one a line, that make these accounts, and the empty database. */
export function accountStatements(): string[] {
  return [
    ...Object.entries(MYSQL_PASSWORDS).flatMap(([name, password]) =>
      account(name, password, RIGHTS[name as MysqlAccount]),
    ),
    ...account(LAB.user, LAB.password, ALL),
    `create database ${MYSQL_DATABASE};`,
  ]
}

function account(name: string, password: string, rights: string | undefined): string[] {
  const option = rights === ALL ? ' with grant option' : ''
  return [
    `create user ${name}@'%' identified by '${password}';`,
    ...(rights === undefined ? [] : [`grant ${rights} to ${name}@'%'${option};`]),
  ]
}
