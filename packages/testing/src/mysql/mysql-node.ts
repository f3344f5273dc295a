import path from 'node:path'
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise'
import { findFreePort } from '../free-port.js'
import { patient } from '../patience.js'
import { type NodeChange, ServerNode } from '../servers/server-node.js'
import { ServerProcess } from '../servers/server-process.js'
import { LAB, MYSQL_DATABASE, MYSQL_PASSWORDS, type MysqlAccount } from './accounts.js'
import type { MysqlProduct, MysqlPrograms } from './product.js'
import { Replication, type ReplicationStatus } from './replication.js'
import type { MysqlTemplate } from './template.js'

/** What {@link MysqlNode.url} puts into the URL. */
export interface MysqlUrlOptions {
  /** @default 'app' */
  readonly user?: string
  /** @default the password of that account of the lab */
  readonly password?: string
  /** @default 'app' */
  readonly database?: string
  /** @default 'mysql' */
  readonly scheme?: 'mysql' | 'mariadb'
}

/** What the nodes of a cluster have in common. */
export interface MysqlContext {
  readonly directory: string
  readonly product: MysqlProduct
  readonly programs: MysqlPrograms
  readonly template: MysqlTemplate
  /** Options of the server, without their dashes. */
  readonly settings: Readonly<Record<string, string>>
  readonly onChange: (node: MysqlNode, change: NodeChange) => Promise<void>
}

const READY = /ready for connections\./
const PORT_TAKEN = /Can't start server: Bind on TCP\/IP port/
const NO_SUCH_THREAD = 1094
/** More than a cluster has nodes. */
const REBUILT = 100

/** One server of MySQL or MariaDB on 127.0.0.1 that a test may stop, crash, freeze, promote, demote and have follow another. */
export class MysqlNode extends ServerNode {
  readonly #context: MysqlContext
  readonly #dataDirectory: string
  #serverId: number
  /** Where the lab itself connects: it has room there when clients have none. */
  #adminPort = 0
  #readOnly = false
  #upstream: MysqlNode | undefined

  /** @internal nodes are made by `startServers` */
  constructor(serverId: number, context: MysqlContext) {
    super(`node-${serverId}`)
    this.#serverId = serverId
    this.#context = context
    this.#dataDirectory = path.join(context.directory, this.name)
  }

  get product(): MysqlProduct {
    return this.#context.product
  }

  /** In the middle of every GTID that a MariaDB writes. A rebuild changes it. */
  get serverId(): number {
    return this.#serverId
  }

  /** `read_only` as the lab has set it last. A restart keeps it, as an option in a file would. */
  get readOnly(): boolean {
    return this.#readOnly
  }

  /** The node that this one follows; undefined on a primary. */
  get upstream(): MysqlNode | undefined {
    return this.#upstream
  }

  url(options: MysqlUrlOptions = {}): string {
    const { user = 'app', database = MYSQL_DATABASE, scheme = 'mysql' } = options
    const password = options.password ?? MYSQL_PASSWORDS[user as MysqlAccount] ?? ''
    return (
      `${scheme}://${encodeURIComponent(user)}:${encodeURIComponent(password)}` +
      `@${this.host}:${this.port}/${encodeURIComponent(database)}`
    )
  }

  /**
   * Starts the server on its port; does nothing if it is running. A replica goes on following its primary.
   *
   * @param options.readOnly `@default` as it was before
   */
  async start({ readOnly = this.#readOnly }: { readonly readOnly?: boolean } = {}): Promise<void> {
    if (this.running) return
    this.#readOnly = readOnly
    await this.launch(async (port) => {
      this.#adminPort = await findFreePort()
      return ServerProcess.start({
        product: this.product.name,
        program: this.#context.programs.server,
        argv: this.#options(port),
        dataDirectory: this.#dataDirectory,
        word: this.#dataDirectory,
        ready: READY,
        portTaken: PORT_TAKEN,
      })
    })
  }

  /** Shuts the server down, which ends its sessions, and waits for its end. A frozen server is thawed for it. */
  async stop(): Promise<void> {
    await this.shutDown('SIGTERM', patient(30_000))
  }

  /** Shuts the server down and starts it again. */
  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  /** Makes a replica the primary, once it has applied what it has received. The old primary is left as it is. */
  async promote(): Promise<void> {
    await this.#replicate((replication) => replication.detach())
    this.#upstream = undefined
    await this.setReadOnly(false)
    await this.changed('promoted')
  }

  /** Makes a primary read-only, and nothing else: sessions stay, and their open transactions fail at COMMIT. */
  async demote(): Promise<void> {
    await this.setReadOnly(true)
  }

  /**
   * Has this server follow another from where it is, read-only. It must never have been a primary, or must have followed
   * since. Resolves when it receives from there.
   */
  async follow(primary: MysqlNode): Promise<void> {
    await this.#follow(primary, false)
  }

  /**
   * Has a former primary follow a new one, read-only, starting it if it is down.
   *
   * @throws with the server's own words if this server has written what the new primary has not
   */
  async rejoin(primary: MysqlNode): Promise<void> {
    await this.#follow(primary, true)
  }

  /** Throws this server's data away and has it follow `primary` from the beginning, on the same port. */
  async rebuildAsReplicaOf(primary: MysqlNode): Promise<void> {
    await this.crash()
    // A replica skips what bears its own id, which would be what it has written in its former life.
    this.#serverId += REBUILT
    await this.initialize()
    await this.#follow(primary, false)
    await this.waitForReplay(primary)
  }

  /** Sets `read_only`, which binds every account without the right READ ONLY ADMIN: `app`, but not `admin`. */
  async setReadOnly(on: boolean): Promise<void> {
    await this.query(`set global read_only = ${on ? 'on' : 'off'}`)
    this.#readOnly = on
  }

  /** Ends sessions of clients, of one account or of all, and resolves when they are gone. Returns how many. */
  async killConnections(user?: string): Promise<number> {
    return this.#withConnection(async (connection) => {
      const sql = `select id from information_schema.processlist
        where user not in ('system user', 'repl', '${LAB.user}') and user = coalesce(?, user)`
      const ids = async (): Promise<number[]> => {
        const [rows] = await connection.query<RowDataPacket[]>(sql, [user ?? null])
        return rows.map(({ id }) => Number(id))
      }
      const killed = await ids()
      for (const id of killed) await kill(connection, id)
      await this.until('did not end what was killed', async () => {
        const left = new Set(await ids())
        return !killed.some((id) => left.has(id))
      })
      return killed.length
    })
  }

  /** Ends one session, unless it has ended by itself. It may go on for a while: MySQL lets a commit be done first. */
  async kill(id: number): Promise<void> {
    await this.#withConnection((connection) => kill(connection, id))
  }

  /**
   * Sets how many connections the server takes (error 1040 beyond it); the lab itself always gets in. MariaDB takes no
   * fewer than 10: for fewer, `alter user app with max_user_connections 3` as `admin`, which gives error 1226.
   */
  async limitConnections(most: number): Promise<void> {
    const { fewestConnections, name } = this.product
    if (!Number.isInteger(most) || most < fewestConnections) {
      throw new RangeError(
        `limitConnections(${most}): ${name} takes a whole number of at least ${fewestConnections}`,
      )
    }
    await this.query('set global max_connections = ?', [most])
  }

  /** Runs one statement with all rights, on a connection of its own, in the database of the application. */
  async query<R extends object = Record<string, unknown>>(
    sql: string,
    params: readonly unknown[] = [],
  ): Promise<R[]> {
    return this.#withConnection(async (connection) => {
      const [rows] = await connection.query(sql, [...params])
      return Array.isArray(rows) ? (rows as R[]) : []
    })
  }

  /** Takes everything out of the database of the application, which stays. */
  async emptyDatabase(): Promise<void> {
    await this.#withConnection(async (connection) => {
      await connection.query('set foreign_key_checks = 0')
      await connection.query(`drop database ${MYSQL_DATABASE}`)
      await connection.query(`create database ${MYSQL_DATABASE}`)
    })
  }

  /** Waits until this replica shows everything that was committed on `source` when this was called. */
  async waitForReplay(source: MysqlNode): Promise<void> {
    const executed = await source.executed()
    await this.#replicate((replication) => replication.waitFor(executed))
  }

  /** What this server has executed, by GTIDs. */
  async executed(): Promise<string> {
    const [row] = await this.query<{ gtids: string }>(
      `select ${this.product.executedVariable} as gtids`,
    )
    return row?.gtids ?? ''
  }

  /** Undefined on a server that follows no other. */
  async replication(): Promise<ReplicationStatus | undefined> {
    return this.#replicate((replication) => replication.status())
  }

  /** @internal */
  async initialize(): Promise<void> {
    await this.#context.template.copyTo(this.#dataDirectory)
  }

  /** @internal Makes commits wait for a replica, or not. */
  async setSynchronous(on: boolean): Promise<void> {
    if (!this.running || this.frozen) return
    await this.query(`set global ${this.product.synchronousVariable} = ${on ? 'on' : 'off'}`)
  }

  protected changed(change: NodeChange): Promise<void> {
    return this.#context.onChange(this, change)
  }

  async #follow(primary: MysqlNode, demoted: boolean): Promise<void> {
    if (this.running) await this.setReadOnly(true)
    else await this.start({ readOnly: true })
    const { host, port } = primary
    const source = { host, port, executed: await primary.executed() }
    await this.#replicate((replication) => replication.follow(source, demoted))
    this.#upstream = primary
    await this.changed('started')
  }

  #options(port: number): string[] {
    return [
      ...this.#context.programs.argv({
        dataDirectory: this.#dataDirectory,
        host: this.host,
        port,
        adminPort: this.#adminPort,
        serverId: this.#serverId,
        readOnly: this.#readOnly,
      }),
      ...Object.entries(this.#context.settings).map(([name, value]) => `--${name}=${value}`),
    ]
  }

  async #replicate<T>(work: (replication: Replication) => Promise<T>): Promise<T> {
    try {
      return await this.#withConnection((connection) =>
        work(new Replication(connection, this.product.replication)),
      )
    } catch (cause) {
      throw new Error(`${this.name} ${(cause as Error).message}`, { cause })
    }
  }

  async #withConnection<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await createConnection({
      host: this.host,
      port: this.#adminPort,
      ...LAB,
      database: MYSQL_DATABASE,
      connectTimeout: patient(10_000),
    })
    // The server may be killed under it; the query in flight reports that.
    connection.on('error', () => {})
    try {
      const result = await work(connection)
      await connection.end()
      return result
    } catch (error) {
      connection.destroy()
      throw error
    }
  }
}

async function kill(connection: Connection, id: number): Promise<void> {
  try {
    await connection.query(`kill ${id}`)
  } catch (error) {
    if ((error as { errno?: unknown }).errno !== NO_SUCH_THREAD) throw error
  }
}
