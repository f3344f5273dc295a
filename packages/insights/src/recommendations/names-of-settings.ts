/** How a database calls what advice names. */
export interface SettingNames {
  /** What stands between many clients and few sessions. */
  readonly pooler: string
  /** The setting that ends sessions which are idle inside a transaction. */
  readonly idleInTransaction: string
  /** The setting that ends waits for locks. */
  readonly lockTimeout: string
  /** The setting after which the server sends keepalives; undefined if it has none. */
  readonly keepalive: string | undefined
}

const POSTGRESQL: SettingNames = {
  pooler: 'PgBouncer',
  idleInTransaction: 'idle_in_transaction_session_timeout',
  lockTimeout: 'lock_timeout',
  keepalive: 'tcp_keepalives_idle',
}

const MYSQL: SettingNames = {
  pooler: 'ProxySQL',
  idleInTransaction: 'idle_transaction_timeout',
  lockTimeout: 'innodb_lock_wait_timeout',
  keepalive: undefined,
}

/** @param database a driver's name; undefined if nothing has run yet */
export function settingNames(database: string | undefined): SettingNames {
  return database === 'mysql' ? MYSQL : POSTGRESQL
}
