/**
 * The accounts of every MariaDB server of the lab, by their names, with their passwords.
 *
 * - `app` has all rights on the database `app` and none beyond it, so `read_only` binds it
 * - `admin` has all rights, so it writes on a read-only server too
 * - `repl` is the account that replicas log in with
 * - `monitor` may log in and nothing else: it sees variables, but not `SHOW REPLICA STATUS`
 */
export const MARIADB_PASSWORDS = {
  app: 'app-secret',
  admin: 'admin-secret',
  repl: 'repl-secret',
  monitor: 'monitor-secret',
} as const

export type MariadbAccount = keyof typeof MARIADB_PASSWORDS

/** The database of the application, which `app` owns. */
export const MARIADB_DATABASE = 'app'

const RIGHTS: Readonly<Record<MariadbAccount, string | undefined>> = {
  app: `all privileges on ${MARIADB_DATABASE}.*`,
  admin: 'all privileges on *.*',
  repl: 'replication slave on *.*',
  monitor: undefined,
}

/** Statements, one a line, that make these accounts the only ones. */
export function accountStatements(): string[] {
  const accounts = Object.entries(MARIADB_PASSWORDS).flatMap(([name, password]) => {
    const rights = RIGHTS[name as MariadbAccount]
    const option = name === 'admin' ? ' with grant option' : ''
    return [
      `create user ${name}@'%' identified by '${password}';`,
      ...(rights === undefined ? [] : [`grant ${rights} to ${name}@'%'${option};`]),
    ]
  })
  return [
    'delete from mysql.global_priv;',
    'delete from mysql.proxies_priv;',
    'flush privileges;',
    ...accounts,
  ]
}
