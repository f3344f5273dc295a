import type { ReplicationWords } from './replication-words.js'

/** What a server of a cluster is started with. */
export interface ServerSettings {
  readonly dataDirectory: string
  readonly host: string
  readonly port: number
  /** Where administrators get in when clients have taken all connections. */
  readonly adminPort: number
  readonly serverId: number
  readonly readOnly: boolean
}

/** The programs of a product, as they were found on this machine. */
export interface MysqlPrograms {
  /** The server: `mysqld` or `mariadbd`. */
  readonly server: string
  /** Fills a directory with system tables, the accounts of the lab and an empty database, but no history yet. */
  makeFiles(directory: string): Promise<void>
  /** The options of one start, before those of the cluster. */
  argv(settings: ServerSettings): string[]
}

/** One of the two products that speak MySQL's protocol, and where they differ in what the lab does with them. */
export interface MysqlProduct {
  readonly name: 'MySQL' | 'MariaDB'
  /** In the names of folders. */
  readonly id: 'mysql' | 'mariadb'
  /** How to get it, for messages. */
  readonly howToGet: string
  /** @returns undefined if it is not on this machine */
  find(): MysqlPrograms | undefined
  /** Whether a run of tests must fail where it is missing, rather than leave its tests out. */
  isRequired(): boolean
  /** Options of every server of a cluster, by their names without dashes. */
  readonly settings: Readonly<Record<string, string>>
  /** More of them for semi-synchronous replication. */
  readonly synchronousSettings: Readonly<Record<string, string>>
  /** The variable by which a primary waits for its replicas. */
  readonly synchronousVariable: string
  /** The variable that says what a server has executed, by GTIDs. */
  readonly executedVariable: string
  /** The server takes no smaller `max_connections`. */
  readonly fewestConnections: number
  readonly replication: ReplicationWords
}
