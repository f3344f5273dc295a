import type { Sequelize } from 'sequelize'

/** Where a server is, and what its sessions are to be, as Sequelize 6 keeps it. */
export interface SequelizeConfig {
  readonly database?: string
  readonly username?: string
  readonly password?: string | null
  readonly host?: string
  readonly port?: string | number
  readonly native?: boolean
  readonly pool?: SequelizePoolOptions
  readonly replication?: false | SequelizeReplication
  readonly keepDefaultTimezone?: boolean
  readonly dialectOptions?: Readonly<Record<string, unknown>>
}

interface SequelizePoolOptions {
  readonly max?: number
  readonly min?: number
  readonly idle?: number
  readonly acquire?: number
  readonly maxUses?: number
}

export type SequelizeServer = Pick<
  SequelizeConfig,
  'database' | 'username' | 'password' | 'host' | 'port'
>

interface SequelizeReplication {
  readonly write?: SequelizeServer
  readonly read?: SequelizeServer | readonly SequelizeServer[]
}

/** The pool of Sequelize's connection manager, as that and its transactions use it. */
export interface PoolOfSequelize {
  /** @param type `SELECT` for what only reads */
  acquire(type?: string, useMaster?: boolean): Promise<object>
  release(connection: object): void
  destroy(connection: object): Promise<void>
  drain(): Promise<void>
  destroyAllNow(): Promise<void>
  /** With replication a pool is made of two. */
  readonly read?: Pick<PoolOfSequelize, 'drain' | 'destroyAllNow'>
  readonly write?: Pick<PoolOfSequelize, 'drain' | 'destroyAllNow'>
}

/** What is used of Sequelize 6 beyond its declared surface. */
export interface SequelizeInternals {
  readonly config: SequelizeConfig
  readonly options: {
    readonly timezone: string
    readonly clientMinMessages?: string | false
    readonly standardConformingStrings?: boolean
    databaseVersion: string | number
  }
  readonly connectionManager: {
    pool: PoolOfSequelize
    /** Dials, for the first call of all, which asks for the version of the server. */
    _connect(config: object): Promise<object>
    _disconnect(connection: object): Promise<void>
    /** Of PostgreSQL: how values of a type are read. */
    getTypeParser?(oid: number, format?: string): unknown
    /** Of PostgreSQL: learns the types of the database, such as enums. */
    _refreshDynamicOIDs?(client: object): Promise<void>
    readonly nameOidMap?: object
    readonly constructor: {
      /** Of MySQL: how values are read. */
      _typecast?(this: object, field: unknown, next: () => unknown): unknown
    }
  }
  runHooks(name: string, ...args: unknown[]): Promise<void>
  hasHook(name: string): boolean
}

export function internalsOf(sequelize: Sequelize): SequelizeInternals {
  return sequelize as unknown as SequelizeInternals
}
