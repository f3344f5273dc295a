import { existsSync } from 'node:fs'
import path from 'node:path'
import { Client } from 'pg'
import { patient } from '../patience.js'
import { type NodeChange, ServerNode } from '../servers/server-node.js'
import { ServerProcess } from '../servers/server-process.js'
import type { Binaries } from './binaries.js'
import { DataDirectory, type HbaMethod, SUPERUSER_PASSWORD } from './data-directory.js'
import type { ServerUser } from './server-user.js'

/** `fast` ends sessions in order, `immediate` drops them as a crash would, `smart` waits for them to end. */
export type StopMode = 'fast' | 'immediate' | 'smart'

/** What {@link PostgresNode.url} puts into the URL. */
export interface UrlOptions {
  /** @default 'postgres' */
  readonly user?: string
  /** @default the superuser's password where one is asked for, else none */
  readonly password?: string
  /** @default 'postgres' */
  readonly database?: string
}

/** What the nodes of a cluster have in common. */
export interface ClusterContext {
  readonly directory: string
  readonly binaries: Binaries
  readonly user: ServerUser | undefined
  readonly hbaMethod: HbaMethod
  readonly settings: Readonly<Record<string, string>>
  /** Called when a node has come, has gone or has changed its role. */
  readonly onChange: (node: PostgresNode, change: NodeChange) => Promise<void>
}

const READY = /database system is ready to accept (read-only |read only )?connections/
const PORT_TAKEN = /could not (bind|create any TCP\/IP sockets)/
const STOP_SIGNALS = { fast: 'SIGINT', immediate: 'SIGQUIT', smart: 'SIGTERM' } as const

/** One PostgreSQL server on 127.0.0.1 that a test may stop, crash, freeze, promote and rebuild. */
export class PostgresNode extends ServerNode {
  readonly #context: ClusterContext
  readonly #data: DataDirectory
  #upstream: PostgresNode | undefined

  /** @internal nodes are made by `startCluster` */
  constructor(name: string, context: ClusterContext) {
    super(name)
    this.#context = context
    this.#data = new DataDirectory(path.join(context.directory, name), context.user)
  }

  /** What the server is on disk: a standby until it is promoted, even while another server is primary too. */
  get role(): 'primary' | 'standby' {
    return existsSync(path.join(this.#data.path, 'standby.signal')) ? 'standby' : 'primary'
  }

  /** The node that this standby streams from. */
  get upstream(): PostgresNode | undefined {
    return this.role === 'standby' ? this.#upstream : undefined
  }

  url(options: UrlOptions = {}): string {
    const { user = 'postgres', database = 'postgres' } = options
    const secret = this.#context.hbaMethod === 'trust' ? undefined : SUPERUSER_PASSWORD
    const password = options.password ?? secret
    const credentials = password === undefined ? '' : `:${encodeURIComponent(password)}`
    return (
      `postgresql://${encodeURIComponent(user)}${credentials}` +
      `@${this.host}:${this.port}/${encodeURIComponent(database)}`
    )
  }

  /** Starts the server on its port; does nothing if it is running. */
  async start(): Promise<void> {
    if (this.running) return
    const { binaries, directory, user } = this.#context
    const dataDirectory = this.#data.path
    const word = `${path.basename(directory)}/${this.name}`
    await this.launch((port) =>
      ServerProcess.start({
        product: 'PostgreSQL',
        program: binaries.postgres,
        argv: ['-D', dataDirectory, '-p', String(port), '-c', `cluster_name=${word}`],
        user,
        dataDirectory,
        word,
        ready: READY,
        portTaken: PORT_TAKEN,
      }),
    )
  }

  /** Shuts the server down and waits for its end. A frozen server is thawed for it. */
  async stop(mode: StopMode = 'fast'): Promise<void> {
    // smart waits for the clients, however long they stay
    const withinMs = mode === 'smart' ? Number.POSITIVE_INFINITY : patient(30_000)
    await this.shutDown(STOP_SIGNALS[mode], withinMs, ` (${mode})`)
  }

  /** Makes a standby the primary; resolves when it takes writes. The old primary is left as it is. */
  async promote(): Promise<void> {
    await this.#withClient(async (client) => {
      await client.query('select pg_promote(false)')
      await this.until('was not promoted', async () => {
        const { rows } = await client.query<{ done: boolean }>(
          'select not pg_is_in_recovery() as done',
        )
        return rows[0]?.done === true
      })
    })
    await this.changed('promoted')
  }

  /**
   * Throws this server's data away, takes a copy of `primary` and starts as its standby, on the same port.
   * Resolves when it streams.
   */
  async rebuildAsStandbyOf(primary: PostgresNode): Promise<void> {
    await this.crash()
    const password = this.#context.hbaMethod === 'trust' ? '' : ` password=${SUPERUSER_PASSWORD}`
    const connection = `host=${primary.host} port=${primary.port} user=postgres${password}`
    await primary.#withClient((client) =>
      this.#data.cloneFrom(primary.#data, client, {
        primary_conninfo: `${connection} application_name=${this.name}`,
        recovery_target_timeline: 'latest',
      }),
    )
    this.#upstream = primary
    await this.start()
    await this.until(`does not stream from ${primary.name}`, async () => {
      const [row] = await primary.query<{ streaming: boolean }>(
        `select exists (select from pg_stat_replication
                         where application_name = $1 and state = 'streaming') as streaming`,
        [this.name],
      )
      return row?.streaming === true
    })
  }

  /** Runs one statement as superuser on a connection of its own. */
  async query<R extends object = Record<string, unknown>>(
    sql: string,
    params: readonly unknown[] = [],
  ): Promise<R[]> {
    return this.#withClient(async (client) => (await client.query<R>(sql, [...params])).rows)
  }

  /** Waits until this standby shows everything that was committed on `source` when this was called. */
  async waitForReplay(source: PostgresNode): Promise<void> {
    // The write position: the insert position already counts the header of a page that nothing was written to yet,
    // which a standby reaches only with the next record.
    const [written] = await source.query<{ lsn: string }>('select pg_current_wal_lsn() as lsn')
    await this.#withClient((client) =>
      this.until(`did not replay up to ${written?.lsn}`, async () => {
        const { rows } = await client.query<{ done: boolean }>(
          'select pg_last_wal_replay_lsn() >= $1::pg_lsn as done',
          [written?.lsn],
        )
        return rows[0]?.done === true
      }),
    )
  }

  /** @internal */
  async initialize(): Promise<void> {
    const { binaries, hbaMethod, settings } = this.#context
    await this.#data.initialize(binaries, hbaMethod, settings)
  }

  /** @internal Leaves nothing of this server behind. */
  async discard(): Promise<void> {
    await this.crash()
    await this.#data.remove()
  }

  /** @internal Makes commits wait for a standby, or not. */
  async setSynchronous(on: boolean): Promise<void> {
    const wanted = on ? '*' : ''
    await this.#data.configureNode({ synchronous_standby_names: wanted })
    if (!this.running || this.frozen) return
    await this.#withClient(async (client) => {
      await client.query('select pg_reload_conf()')
      await this.until('did not reload its settings', async () => {
        const { rows } = await client.query<{ names: string }>(
          `select current_setting('synchronous_standby_names') as names`,
        )
        return rows[0]?.names === wanted
      })
    })
  }

  protected changed(change: NodeChange): Promise<void> {
    return this.#context.onChange(this, change)
  }

  async #withClient<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const client = new Client({
      connectionString: this.url(),
      connectionTimeoutMillis: patient(10_000),
    })
    // The server may be killed under it; the query in flight reports that.
    client.on('error', () => {})
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end()
    }
  }
}
