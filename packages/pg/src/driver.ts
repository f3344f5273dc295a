import {
  type Clock,
  type ConnectContext,
  type ConnectionActivity,
  type ConnectionCondition,
  type Driver,
  type Endpoint,
  type FailureKind,
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
    const { client, session } = await this.#open(endpoint.config as ClientConfig, context)
    session.catalog = this.#catalogOf(endpoint)
    return client
  }

  async validate(client: Client): Promise<void> {
    const session = this.#sessionOf(client)
    const { rows } = await session.ask<[boolean]>('select pg_is_in_recovery()')
    session.role = rows[0]?.[0] === true ? 'standby' : 'primary'
  }

  /** Of the database that a connection leads to. */
  catalogOf(client: Client): EndpointCatalog | undefined {
    return this.#sessionOf(client).catalog
  }

  role(client: Client): Role {
    return this.#sessionOf(client).role
  }

  inspect(client: Client): ConnectionCondition {
    return this.#sessionOf(client).condition()
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
    const level = isolation === undefined ? '' : ` ISOLATION LEVEL ${isolation.toUpperCase()}`
    const access = readOnly === true ? ' READ ONLY' : ''
    await this.#sessionOf(client).ask(`BEGIN${level}${access}`)
  }

  /** Rejects if the server rolled back instead, as it does when a statement had failed and the error was ignored. */
  async commit(client: Client): Promise<void> {
    const { command } = await this.#sessionOf(client).ask('COMMIT')
    if (command === 'ROLLBACK') {
      throw new Error(
        'the transaction was rolled back: one of its statements had failed, and the error was ignored',
      )
    }
  }

  async rollback(client: Client): Promise<void> {
    await this.#sessionOf(client).ask('ROLLBACK')
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

  async openProbe(endpoint: Endpoint, context: ConnectContext): Promise<Probe> {
    const probe = new PgProbe(await this.#openAside(endpoint, context))
    const catalog = this.#catalogOf(endpoint)
    return {
      check: async (signal) => {
        const result = await probe.check(signal)
        void catalog.read()
        return result
      },
      destroy: () => probe.destroy(),
    }
  }

  #catalogOf(endpoint: Endpoint): EndpointCatalog {
    return this.catalogs.of(endpoint.id, {
      ask: (text, signal) => this.#askAside(endpoint, signal, text),
    })
  }

  /** Asks over a connection that is opened for that, so that neither callers nor probes wait for the answer. */
  async #askAside(endpoint: Endpoint, signal: AbortSignal, text: string): Promise<unknown> {
    const session = await this.#openAside(endpoint, { signal, onSignal: () => {} })
    const stop = (): void => session.destroy()
    signal.addEventListener('abort', stop, { once: true })
    try {
      return await session.ask(text)
    } finally {
      signal.removeEventListener('abort', stop)
      session.destroy()
    }
  }

  /** Opens a connection of the engine's own, beside those of callers. It keeps no process alive. */
  async #openAside(endpoint: Endpoint, context: ConnectContext): Promise<Session> {
    const config = endpoint.config as ClientConfig
    const { client, session } = await this.#open(
      {
        ...config,
        password: config.password,
        application_name: PROBE_APPLICATION_NAME,
        query_timeout: 0,
      },
      context,
    )
    internalsOf(client).connection?.stream.unref()
    return session
  }

  async #open(
    config: ClientConfig,
    { signal, onSignal }: ConnectContext,
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
    } catch (error) {
      session.destroy()
      throw signal.aborted ? signal.reason : withoutSecrets(error)
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
    session.begin()
    return { client, session }
  }

  #sessionOf(client: Client): Session {
    const session = this.#sessions.get(client)
    if (session === undefined) throw new TypeError('this client was not opened by connmgr')
    return session
  }
}

/** node-postgres attaches the client, whose configuration has the password, to some errors. */
function withoutSecrets(error: unknown): unknown {
  if (typeof error === 'object' && error !== null && 'client' in error) delete error.client
  return error
}
