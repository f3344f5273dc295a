import {
  type Clock,
  type ConnectContext,
  type ConnectionActivity,
  type ConnectionCondition,
  type Driver,
  type Endpoint,
  type FailureKind,
  type IsolationLevel,
  invalidOption,
  type Probe,
  type ReplayPosition,
  type Role,
  systemClock,
  type TransactionOptions,
  type WritePosition,
} from '@connmgr/core'
import type { Client, ClientConfig } from 'pg'
import pg from 'pg'
import { Catalogs, type EndpointCatalog } from './catalog/catalog.js'
import { classify } from './classify.js'
import { internalsOf } from './client-internals.js'
import { isDeliberate } from './outcome/evidence.js'
import { askReplayPosition, askWritePosition } from './positions.js'
import { PgProbe } from './probe.js'
import { Session } from './session.js'

/** A class whose instances are node-postgres clients; `pg.Client` or one derived from it. */
export type ClientClass = new (config?: ClientConfig) => Client

const KEEP_ALIVE_DELAY_MS = 5000
const PROBE_APPLICATION_NAME = 'connmgr-probe'

/** The engine's way to PostgreSQL: node-postgres, with what it leaves open closed. */
export class PgDriver implements Driver<Client> {
  readonly name = 'postgresql'
  readonly #Client: ClientClass
  readonly #sessions = new WeakMap<Client, Session>()
  /** Of the databases behind all endpoints. */
  readonly catalogs: Catalogs

  /**
   * @param options.Client `@default` pg.Client
   * @param options.clock `@default` the system's
   */
  constructor(options: { Client?: ClientClass | undefined; clock?: Clock | undefined } = {}) {
    this.#Client = options.Client ?? pg.Client
    this.catalogs = new Catalogs(options.clock ?? systemClock)
  }

  async connect(endpoint: Endpoint, context: ConnectContext): Promise<Client> {
    const catalog = this.catalogs.of(endpoint.id)
    const { client, session } = await this.#open(
      endpoint.config as ClientConfig,
      context,
      (opened) => catalog.readIfDue(opened),
    )
    session.catalog = catalog
    return client
  }

  async validate(client: Client): Promise<void> {
    const session = this.#sessionOf(client)
    const { rows } = await session.ask<[boolean]>('select pg_is_in_recovery()')
    session.role = rows[0]?.[0] === true ? 'standby' : 'primary'
    await session.catalog?.readIfDue(session)
  }

  /** Of the database that a connection leads to. */
  catalogOf(client: Client): EndpointCatalog | undefined {
    return this.#sessionOf(client).catalog
  }

  /** Sees to it that the catalog has been read lately. Never rejects. */
  async readCatalog(client: Client): Promise<void> {
    const session = this.#sessionOf(client)
    await session.catalog?.readIfDue(session)
  }

  role(client: Client): Role {
    return this.#sessionOf(client).role
  }

  inspect(client: Client): ConnectionCondition {
    return this.#sessionOf(client).condition()
  }

  whyBroken(client: Client): Error | undefined {
    return this.#sessionOf(client).refusal('COMMIT')
  }

  settle(client: Client): Promise<void> {
    return this.#sessionOf(client).settled()
  }

  async reset(client: Client, policy: 'reset-all' | 'discard-all'): Promise<void> {
    await this.#sessionOf(client).ask(policy === 'reset-all' ? 'RESET ALL' : 'DISCARD ALL')
    // DISCARD ALL drops prepared statements on the server; the client must not believe in them.
    const { connection } = internalsOf(client) as { connection?: { parsedStatements?: object } }
    if (policy === 'discard-all' && connection?.parsedStatements !== undefined)
      connection.parsedStatements = {}
  }

  async begin(client: Client, { isolation, readOnly }: TransactionOptions): Promise<void> {
    const level = isolation === undefined ? '' : ` ISOLATION LEVEL ${levelOf(isolation)}`
    const access = readOnly === true ? ' READ ONLY' : ''
    await this.#sessionOf(client).begin(`BEGIN${level}${access}`)
  }

  /**
   * @throws TransactionRolledBackError `CONNMGR_TRANSACTION_ROLLED_BACK` if the server rolled back instead, as it does when
   * a statement had failed and the error was ignored, or if the transaction had ended before
   */
  commit(client: Client): Promise<void> {
    return this.#sessionOf(client).commit()
  }

  rollback(client: Client): Promise<void> {
    return this.#sessionOf(client).rollback()
  }

  writePosition(client: Client): Promise<WritePosition> {
    return askWritePosition(this.#sessionOf(client))
  }

  replayPosition(client: Client): Promise<ReplayPosition | undefined> {
    return askReplayPosition(this.#sessionOf(client))
  }

  activity(client: Client): ConnectionActivity {
    return this.#sessionOf(client).activity
  }

  close(client: Client): Promise<void> {
    return this.#sessionOf(client).end()
  }

  destroy(client: Client, reason?: Error): void {
    this.#sessionOf(client).destroy(reason)
  }

  classify(error: unknown): FailureKind {
    return classify(error)
  }

  isDeliberate(error: unknown): boolean {
    return isDeliberate(error)
  }

  async openProbe(endpoint: Endpoint, context: ConnectContext): Promise<Probe> {
    const config = endpoint.config as ClientConfig
    const { client, session } = await this.#open(
      { ...config, password: config.password, application_name: PROBE_APPLICATION_NAME },
      context,
    )
    // Watching alone keeps no process alive.
    internalsOf(client).connection?.stream.unref()
    const probe = new PgProbe(session)
    const catalog = this.catalogs.of(endpoint.id)
    return {
      check: async (signal) => {
        const result = await probe.check(signal)
        // Where all connections are busy no other reads it anew. Nobody waits for it here.
        if (catalog.wasRead) void catalog.readIfDue(session)
        return result
      },
      destroy: () => probe.destroy(),
    }
  }

  async #open(
    config: ClientConfig,
    { signal, onSignal }: ConnectContext,
    prepare?: (session: Session) => Promise<void>,
  ): Promise<{ client: Client; session: Session }> {
    signal.throwIfAborted()
    const client = new this.#Client({
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
      ...config,
      password: config.password,
    })
    const session = new Session(client, onSignal)
    this.#sessions.set(client, session)
    const onAbort = (): void => session.destroy()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await client.connect()
      if (prepare !== undefined) await Promise.race([prepare(session), aborted(signal)])
      if (session.condition() === 'broken') throw new Error('Connection terminated unexpectedly')
    } catch (error) {
      session.destroy()
      throw signal.aborted ? signal.reason : withoutSecrets(error)
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
    session.open()
    return { client, session }
  }

  #sessionOf(client: Client): Session {
    const session = this.#sessions.get(client)
    if (session === undefined) throw new TypeError('this client was not opened by connmgr')
    return session
  }
}

/** What goes into SQL is one of these, whatever was given. */
const LEVELS: ReadonlyMap<unknown, string> = new Map([
  ['read uncommitted', 'READ UNCOMMITTED'],
  ['read committed', 'READ COMMITTED'],
  ['repeatable read', 'REPEATABLE READ'],
  ['serializable', 'SERIALIZABLE'],
])

function levelOf(isolation: IsolationLevel): string {
  const level = LEVELS.get(isolation)
  if (level === undefined)
    throw invalidOption('isolation', isolation, `one of ${[...LEVELS.keys()].join(', ')}`)
  return level
}

/** Rejects when it is aborted. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** node-postgres attaches the client, whose configuration has the password, to some errors. */
function withoutSecrets(error: unknown): unknown {
  if (typeof error === 'object' && error !== null && 'client' in error) delete error.client
  return error
}
