import type { Clock, Endpoint } from '@connmgr/core'
import {
  type Activity,
  type ConnectContext,
  type ConnectionCondition,
  type Driver,
  type FailureKind,
  messageOf,
  type ProbeResult,
  type Replication,
  type Sessions,
  type Statements,
  systemClock,
  type Transactions,
} from '@connmgr/core/driver'
import type { Client } from 'pg'
import { beginStatement } from './begin-statement.js'
import { Catalogs, type EndpointCatalog } from './catalog/catalog.js'
import { classify, isAnswer } from './classify.js'
import { internalsOf } from './client-internals.js'
import { fingerprint } from './fingerprint.js'
import { keepMemory } from './kept-memory.js'
import { leasedClient } from './leased-client.js'
import { isDeliberate } from './outcome/evidence.js'
import { UNKNOWN_OUTCOME } from './outcome/unknown-outcome.js'
import { askReadPlace, askWritePlace, coversLsn, orderTimelines } from './places.js'
import { findPooler } from './prepared/find-pooler.js'
import type { PlanCounter } from './prepared/plan-counts.js'
import { Preparing } from './prepared/preparing.js'
import { PgProbe } from './probe.js'
import { isOfDatabase, probeScopeOf } from './probe-scope.js'
import type { Session } from './session.js'
import { type ClientClass, SessionOpener } from './session-opener.js'

const PROBE_APPLICATION_NAME = 'connmgr-probe'

/** The engine's way to PostgreSQL: node-postgres, with what it leaves open closed. */
export class PgDriver implements Driver<Client> {
  readonly name = 'postgresql'
  readonly transactions: Transactions<Client> = {
    unknownOutcomeCode: UNKNOWN_OUTCOME,
    begin: (client, options) => this.#sessionOf(client).transaction.begin(beginStatement(options)),
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
    probeScope: (endpoint) => probeScopeOf(endpoint, this.#opener.Client),
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

  /** Knows the session of every client. */
  readonly #opener: SessionOpener
  /** What is asked over connections of the pool. */
  readonly #questions = new WeakMap<Client, PgProbe>()
  /** Of the databases behind all endpoints. */
  readonly catalogs: Catalogs
  readonly #keepsMemory: boolean
  /** What is prepared by itself; undefined if nothing is. */
  readonly preparing: Preparing | undefined

  /**
   * @param options.Client `@default` pg.Client
   * @param options.clientOptions what a class of the user gets beside the configuration of an endpoint
   * @param options.clock `@default` the system's
   * @param options.preparedStatements whether texts that recur are prepared. `@default` 'off'
   * @param options.keepServerMemory whether sessions of callers keep what they free. `@default` false
   */
  constructor(
    options: {
      Client?: ClientClass | undefined
      clientOptions?: object | undefined
      clock?: Clock | undefined
      preparedStatements?: 'auto' | 'off' | undefined
      keepServerMemory?: boolean | undefined
    } = {},
  ) {
    const clock = options.clock ?? systemClock
    this.catalogs = new Catalogs(clock)
    this.#opener = new SessionOpener(options, (endpointId) => this.catalogs.noRoom(endpointId))
    this.#keepsMemory = options.keepServerMemory === true
    this.preparing = options.preparedStatements === 'auto' ? new Preparing(clock) : undefined
  }

  /** Of the class of clients. */
  get clientPrototype(): object {
    return this.#opener.Client.prototype as object
  }

  async connect(endpoint: Endpoint, context: ConnectContext): Promise<Client> {
    const session = await this.#opener.open(endpoint, context)
    session.queries = context.queries
    session.catalog = this.#catalogOf(endpoint)
    if (this.preparing !== undefined) session.prepareFor(this.preparing.of(endpoint.id))
    if (this.#keepsMemory) keepMemory(session.client, () => session.catalog?.mayTakeMemory === true)
    return session.client
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
    return this.#opener.isDefect(error) ? 'defect' : classify(error)
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
    const session = await this.#opener.open(endpoint, context, own)
    holdProcess(session.client, false)
    return session
  }

  #sessionOf(client: Client): Session {
    return this.#opener.sessionOf(client)
  }
}

function holdProcess(client: Client, hold: boolean): void {
  const { stream } = internalsOf(client).connection ?? {}
  // A socket of the user's own making may have neither.
  if (hold) stream?.ref?.()
  else stream?.unref?.()
}
