import { Socket } from 'node:net'
import type { Clock, Endpoint, IsolationLevel, TransactionOptions } from '@connmgr/core'
import {
  type Activity,
  type ConnectContext,
  type ConnectionCondition,
  type Driver,
  type FailureKind,
  invalidOption,
  isProgrammingError,
  messageOf,
  oneBufferSocket,
  type ProbeResult,
  type Replication,
  type Sessions,
  type Statements,
  systemClock,
  type Transactions,
  withoutSecrets,
} from '@connmgr/core/driver'
import type { Client, ClientConfig } from 'pg'
import pg from 'pg'
import type { OpenStream } from './cancel.js'
import { Catalogs, type EndpointCatalog } from './catalog/catalog.js'
import { classify, isAnswer } from './classify.js'
import { configForClass } from './client-config.js'
import { internalsOf } from './client-internals.js'
import { authPolicyOf } from './endpoint-config.js'
import { fingerprint } from './fingerprint.js'
import { clientOf, leasedClient } from './leased-client.js'
import { isDeliberate } from './outcome/evidence.js'
import { UNKNOWN_OUTCOME } from './outcome/unknown-outcome.js'
import { askReadPlace, askWritePlace, coversLsn, orderTimelines } from './places.js'
import { findPooler } from './prepared/find-pooler.js'
import type { PlanCounter } from './prepared/plan-counts.js'
import { Preparing } from './prepared/preparing.js'
import { PgProbe } from './probe.js'
import { isOfDatabase, probeScopeOf } from './probe-scope.js'
import { countReceived } from './received-bytes.js'
import { guardLogin } from './require-auth.js'
import { Session } from './session.js'
import { unwrapped } from './unwrapped.js'

/** A class whose instances are node-postgres clients; `pg.Client` or one derived from it. */
export type ClientClass = new (config?: ClientConfig) => Client

const KEEP_ALIVE_DELAY_MS = 5000
/** The TypeError of node-postgres for a server that asks for a password where there is none. */
const NO_PASSWORD = 'Password must be a string'
const PROBE_APPLICATION_NAME = 'connmgr-probe'
/** Of the connections that callers get. All others are ours, and instrumentation of users is to see nothing of them. */
const NOTHING_OWN: ClientConfig = {}

/** The engine's way to PostgreSQL: node-postgres, with what it leaves open closed. */
export class PgDriver implements Driver<Client> {
  readonly name = 'postgresql'
  readonly transactions: Transactions<Client> = {
    unknownOutcomeCode: UNKNOWN_OUTCOME,
    begin: (client, options) => this.#sessionOf(client).transaction.begin(beginOf(options)),
    /**
     * @throws TransactionRolledBackError `CONNMGR_TRANSACTION_ROLLED_BACK` if the server rolled back instead, as it does
     * when a statement had failed and the error was ignored, or if the transaction had ended before
     */
    commit: (client) => this.#sessionOf(client).transaction.commit(),
    rollback: (client) => this.#sessionOf(client).transaction.rollback(),
  }

  readonly session: Sessions<Client> = {
    baseline: (client) => this.#sessionOf(client).baseline(),
    altered: (client) => this.#sessionOf(client).altered,
    /**
     * `reset-all` resets all settings, the role and the session authorization, closes cursors, unlistens, releases
     * advisory locks, drops temporary tables, forgets the last values of sequences, and deallocates if a borrower has
     * prepared by SQL. `discard-all` is the server's DISCARD ALL, which forgets prepared statements as well. Both then run
     * again what listeners of the pool's 'connect' had set.
     */
    reset: (client, policy) => this.#sessionOf(client).reset(policy),
    fence: leasedClient,
  }

  readonly statements: Statements = { fingerprint, isDeliberate }

  readonly replication: Replication<Client> = {
    openProbe: async (endpoint, context) => new PgProbe(await this.#openAside(endpoint, context)),
    ask: (client) => this.#ask(client),
    role: (client) => this.#sessionOf(client).role,
    probeScope: (endpoint) => probeScopeOf(endpoint, this.#Client),
    isOfDatabase,
    order: orderTimelines,
    covers: coversLsn,
    writePlace: (client) => askWritePlace(this.#sessionOf(client)),
    readPlace: (client) => askReadPlace(this.#sessionOf(client)),
  }

  readonly activity: Activity<Client> = {
    of: (client) => this.#sessionOf(client).activity,
    settle: (client) => this.#sessionOf(client).settled(),
    whyBroken: (client) => this.#sessionOf(client).refusal('COMMIT'),
    holdProcess,
  }

  readonly #Client: ClientClass
  readonly #clientOptions: object
  readonly #mistakes = new WeakSet<object>()
  readonly #sessions = new WeakMap<Client, Session>()
  /** What is asked over connections of the pool. */
  readonly #questions = new WeakMap<Client, PgProbe>()
  /** Of the databases behind all endpoints. */
  readonly catalogs: Catalogs
  /** What is prepared by itself; undefined if nothing is. */
  readonly preparing: Preparing | undefined

  /**
   * @param options.Client `@default` pg.Client
   * @param options.clientOptions what a class of the user gets beside the configuration of an endpoint
   * @param options.clock `@default` the system's
   * @param options.preparedStatements whether texts that recur are prepared. `@default` 'off'
   */
  constructor(
    options: {
      Client?: ClientClass | undefined
      clientOptions?: object | undefined
      clock?: Clock | undefined
      preparedStatements?: 'auto' | 'off' | undefined
    } = {},
  ) {
    this.#Client = options.Client ?? pg.Client
    this.#clientOptions = options.clientOptions ?? {}
    const clock = options.clock ?? systemClock
    this.catalogs = new Catalogs(clock)
    this.preparing = options.preparedStatements === 'auto' ? new Preparing(clock) : undefined
  }

  /** Of the class of clients. */
  get clientPrototype(): object {
    return this.#Client.prototype as object
  }

  async connect(endpoint: Endpoint, context: ConnectContext): Promise<Client> {
    const { client, session } = await this.#open(endpoint, NOTHING_OWN, context)
    session.queries = context.queries
    session.catalog = this.#catalogOf(endpoint)
    if (this.preparing !== undefined) session.prepareFor(this.preparing.of(endpoint.id))
    return client
  }

  async validate(client: Client): Promise<void> {
    const session = this.#sessionOf(client)
    try {
      const { rows } = await session.ask<[string]>('select pg_catalog.pg_is_in_recovery()')
      session.role = rows[0]?.[0] === 't' ? 'standby' : 'primary'
    } catch (error) {
      if (!isAnswer(error)) throw error
    }
  }

  /** Of the database that a connection leads to. */
  catalogOf(client: Client): EndpointCatalog | undefined {
    return this.#sessionOf(client).catalog
  }

  /** Adds how the server plans what is prepared on an idle connection. */
  countPlans(client: Client, counter: PlanCounter): Promise<void> {
    return this.#sessionOf(client).countPlans(counter)
  }

  inspect(client: Client): ConnectionCondition {
    return this.#sessionOf(client).condition()
  }

  /** What has ended a connection, as the server or node-postgres has said it. */
  troubleOf(client: Client): Error | undefined {
    return this.#sessionOf(client).trouble
  }

  close(client: Client): Promise<void> {
    return this.#sessionOf(client).end()
  }

  destroy(client: Client, reason?: Error): void {
    this.#sessionOf(client).destroy(reason)
  }

  classify(error: unknown): FailureKind {
    return typeof error === 'object' && error !== null && this.#mistakes.has(error)
      ? 'defect'
      : classify(error)
  }

  async #ask(client: Client): Promise<ProbeResult> {
    const session = this.#sessionOf(client)
    let question = this.#questions.get(client)
    if (question === undefined) {
      question = new PgProbe(session, { ownsSession: false })
      this.#questions.set(client, question)
    }
    const result = await question.check(new AbortController().signal)
    session.role = result.role
    return result
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
      const answer = await session.ask(text)
      await this.#findPooler(endpoint, session)
      return answer
    } finally {
      signal.removeEventListener('abort', stop)
      session.destroy()
    }
  }

  /** Without an answer nothing is prepared, and it is asked again when the catalog is. */
  async #findPooler({ id }: Endpoint, session: Session): Promise<void> {
    const preparing = this.preparing?.of(id)
    if (preparing === undefined || preparing.permission.allowed || preparing.permission.final)
      return
    try {
      await findPooler(session.client, preparing)
    } catch (error) {
      preparing.notFound(messageOf(error))
    }
  }

  /** Opens a connection of the engine's own, beside those of callers. It keeps no process alive. */
  async #openAside(endpoint: Endpoint, context: ConnectContext): Promise<Session> {
    const own = { application_name: PROBE_APPLICATION_NAME, query_timeout: 0 }
    const { client, session } = await this.#open(endpoint, own, context)
    holdProcess(client, false)
    return session
  }

  async #open(
    endpoint: Endpoint,
    own: ClientConfig,
    { signal, onSignal, watch }: ConnectContext,
  ): Promise<{ client: Client; session: Session }> {
    signal.throwIfAborted()
    const config = endpoint.config as ClientConfig
    const client = this.#createClient(endpoint, own)
    const session = new Session(client, onSignal)
    if (typeof config.stream === 'function')
      session.openStream = config.stream as unknown as OpenStream
    const policy = authPolicyOf(config)
    if (policy !== undefined) guardLogin(client, policy)
    this.#sessions.set(client, session)
    watch?.(countReceived(client))
    const onAbort = (): void => session.destroy()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      const connect: () => Promise<unknown> = client.connect
      await (own === NOTHING_OWN ? client.connect() : unwrapped(connect).call(client))
    } catch (error) {
      session.destroy()
      if (classify(error) === 'busy') this.catalogs.noRoom(endpoint.id)
      throw signal.aborted ? signal.reason : this.#failure(error)
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
    session.open()
    // It cancels what the session runs. As node-postgres hides the password, hidden when a client is printed.
    if ('secretKey' in client) Object.defineProperty(client, 'secretKey', { enumerable: false })
    return { client, session }
  }

  #createClient(endpoint: Endpoint, own: ClientConfig): Client {
    const endpointConfig = endpoint.config as ClientConfig
    const config: ClientConfig = {
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
      ...endpointConfig,
      ...own,
      password: endpointConfig.password,
    }
    try {
      return this.#Client === pg.Client
        ? new pg.Client(config.stream ? config : { ...config, stream: openSocket })
        : new this.#Client(configForClass(endpoint, this.#clientOptions, config, own))
    } catch (error) {
      throw this.#failure(error)
    }
  }

  /** node-postgres attaches the client to some errors, and a function for the password may fail with anything. */
  #failure(thrown: unknown): unknown {
    const error = withoutSecrets(thrown)
    if (isProgrammingError(error) && error.message !== NO_PASSWORD) this.#mistakes.add(error)
    return error
  }

  #sessionOf(client: Client): Session {
    const session = this.#sessions.get(client) ?? this.#sessions.get(clientOf(client))
    if (session === undefined) throw new TypeError('this client was not opened by connmgr')
    return session
  }
}

/** Called with what node-postgres has made of the options for TLS and of the environment, which its types leave out. */
const openSocket = ((config: { ssl?: unknown }) =>
  config.ssl ? new Socket() : oneBufferSocket(Socket)) as unknown as NonNullable<
  ClientConfig['stream']
>

function holdProcess(client: Client, hold: boolean): void {
  const { stream } = internalsOf(client).connection ?? {}
  // A socket of the user's own making may have neither.
  if (hold) stream?.ref?.()
  else stream?.unref?.()
}

function beginOf({ isolation, readOnly }: TransactionOptions): string {
  const level = isolation === undefined ? '' : ` ISOLATION LEVEL ${levelOf(isolation)}`
  return `BEGIN${level}${readOnly === true ? ' READ ONLY' : ''}`
}

/** Only these go into SQL. */
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
