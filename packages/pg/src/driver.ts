import type { Clock, Endpoint, IsolationLevel, Role, TransactionOptions } from '@connmgr/core'
import {
  type ConnectContext,
  type ConnectionActivity,
  type ConnectionCondition,
  type Driver,
  type FailureKind,
  invalidOption,
  type LeaseFence,
  type Probe,
  type ProbeResult,
  type ProbeScope,
  type ReplayPosition,
  type ResetFindings,
  systemClock,
  type WritePosition,
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
import { askReplayPosition, askWritePosition } from './positions.js'
import { PgProbe } from './probe.js'
import { isOfDatabase, probeScopeOf } from './probe-scope.js'
import { isProgrammingError } from './programming-error.js'
import { guardLogin } from './require-auth.js'
import { Session } from './session.js'

/** A class whose instances are node-postgres clients; `pg.Client` or one derived from it. */
export type ClientClass = new (config?: ClientConfig) => Client

const KEEP_ALIVE_DELAY_MS = 5000
const PROBE_APPLICATION_NAME = 'connmgr-probe'

/** The engine's way to PostgreSQL: node-postgres, with what it leaves open closed. */
export class PgDriver implements Driver<Client> {
  readonly name = 'postgresql'
  readonly #Client: ClientClass
  readonly #clientOptions: object
  readonly #mistakes = new WeakSet<object>()
  readonly #sessions = new WeakMap<Client, Session>()
  /** What is asked over connections of the pool. */
  readonly #questions = new WeakMap<Client, PgProbe>()
  /** Of the databases behind all endpoints. */
  readonly catalogs: Catalogs

  /**
   * @param options.Client `@default` pg.Client
   * @param options.clientOptions what a class of the user gets beside the configuration of an endpoint
   * @param options.clock `@default` the system's
   */
  constructor(
    options: {
      Client?: ClientClass | undefined
      clientOptions?: object | undefined
      clock?: Clock | undefined
    } = {},
  ) {
    this.#Client = options.Client ?? pg.Client
    this.#clientOptions = options.clientOptions ?? {}
    this.catalogs = new Catalogs(options.clock ?? systemClock)
  }

  async connect(endpoint: Endpoint, context: ConnectContext): Promise<Client> {
    const { client, session } = await this.#open(endpoint, {}, context)
    session.catalog = this.#catalogOf(endpoint)
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

  account(endpoint: Endpoint): string | undefined {
    return (endpoint.config as ClientConfig).user ?? pg.defaults.user
  }

  role(client: Client): Role {
    return this.#sessionOf(client).role
  }

  inspect(client: Client): ConnectionCondition {
    return this.#sessionOf(client).condition()
  }

  /** What has ended a connection, as the server or node-postgres has said it. */
  troubleOf(client: Client): Error | undefined {
    return this.#sessionOf(client).trouble
  }

  whyBroken(client: Client): Error | undefined {
    return this.#sessionOf(client).refusal('COMMIT')
  }

  settle(client: Client): Promise<void> {
    return this.#sessionOf(client).settled()
  }

  fence(client: Client, lease: LeaseFence): Client {
    return leasedClient(client, lease)
  }

  altered(client: Client): boolean {
    return this.#sessionOf(client).altered
  }

  baseline(client: Client): void {
    this.#sessionOf(client).baseline()
  }

  /**
   * `reset-all` resets all settings, the role and the session authorization, closes cursors, unlistens, releases advisory
   * locks, drops temporary tables, forgets the last values of sequences, and deallocates if a borrower has prepared by
   * SQL. `discard-all` is the server's DISCARD ALL, which forgets prepared statements as well. Both then run again what
   * listeners of the pool's 'connect' had set.
   */
  async reset(
    client: Client,
    policy: 'reset-all' | 'discard-all',
  ): Promise<ResetFindings | undefined> {
    return this.#sessionOf(client).reset(policy)
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

  fingerprint(text: string): string {
    return fingerprint(text)
  }

  close(client: Client): Promise<void> {
    return this.#sessionOf(client).end()
  }

  holdProcess(client: Client, hold: boolean): void {
    const { stream } = internalsOf(client).connection ?? {}
    // A socket of the user's own making may have neither.
    if (hold) stream?.ref?.()
    else stream?.unref?.()
  }

  destroy(client: Client, reason?: Error): void {
    this.#sessionOf(client).destroy(reason)
  }

  classify(error: unknown): FailureKind {
    return typeof error === 'object' && error !== null && this.#mistakes.has(error)
      ? 'defect'
      : classify(error)
  }

  isDeliberate(error: unknown): boolean {
    return isDeliberate(error)
  }

  async openProbe(endpoint: Endpoint, context: ConnectContext): Promise<Probe> {
    return new PgProbe(await this.#openAside(endpoint, context))
  }

  async ask(client: Client): Promise<ProbeResult> {
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

  probeScope(endpoint: Endpoint): ProbeScope {
    return probeScopeOf(endpoint, this.#Client)
  }

  isOfDatabase(error: unknown): boolean {
    return isOfDatabase(error)
  }

  probed(endpoint: Endpoint): void {
    this.catalogs.read(endpoint.id)
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
    const own = { application_name: PROBE_APPLICATION_NAME, query_timeout: 0 }
    const { client, session } = await this.#open(endpoint, own, context)
    this.holdProcess(client, false)
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
    watch?.(session.receivedAtLogin())
    const onAbort = (): void => session.destroy()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await client.connect()
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
        ? new pg.Client(config)
        : new this.#Client(configForClass(endpoint, this.#clientOptions, config, own))
    } catch (error) {
      throw this.#failure(error)
    }
  }

  /** node-postgres attaches the client to some errors, and a function for the password may fail with anything. */
  #failure(thrown: unknown): unknown {
    const error = withoutSecrets(thrown)
    if (isProgrammingError(error)) this.#mistakes.add(error)
    return error
  }

  #sessionOf(client: Client): Session {
    const session = this.#sessions.get(client) ?? this.#sessions.get(clientOf(client))
    if (session === undefined) throw new TypeError('this client was not opened by connmgr')
    return session
  }
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
