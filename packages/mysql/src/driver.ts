import type { Clock, Endpoint } from '@connmgr/core'
import {
  type Activity,
  type ConnectContext,
  type ConnectionCondition,
  type Driver,
  type FailureKind,
  isProgrammingError,
  type Replication,
  type Sessions,
  type Statements,
  systemClock,
  type Transactions,
  withoutSecrets,
} from '@connmgr/core/driver'
import type { Connection } from 'mysql2'
import { textsToBegin } from './begin.js'
import { connectionConfigOf } from './config/endpoint-config.js'
import { Engines } from './engines.js'
import { classify, isAnswerOfServer, isDeliberate } from './errors/classify.js'
import { createFollowedConnection } from './followed-connection.js'
import { internalsOf } from './internals.js'
import { killRunning } from './kill.js'
import { connectionOf, leasedConnection } from './leased-connection.js'
import { bytesAtLogin, logIn } from './login.js'
import { UNKNOWN_OUTCOME } from './outcome/unknown-outcome.js'
import type { OwnResult } from './own-query.js'
import { coversPosition, orderHistories } from './replication/history.js'
import { askReadPlace, askWritePlace } from './replication/places.js'
import { MysqlProbe } from './replication/probe.js'
import { isOfDatabase, probeScopeOf } from './replication/probe-scope.js'
import { IDENTITY } from './replication/questions.js'
import { Session } from './session.js'
import { askRole } from './session-start.js'
import { fingerprint } from './text/fingerprint.js'

const ASIDE_MS = 60_000

/** The engine's way to MySQL and MariaDB: mysql2, with what it leaves open closed. */
export class MysqlDriver implements Driver<Connection> {
  readonly name = 'mysql'
  readonly #mistakes = new WeakSet<object>()
  readonly #sessions = new WeakMap<Connection, Session>()
  readonly #endpoints = new WeakMap<Connection, Endpoint>()
  /** What is asked over connections of the pool. */
  readonly #questions = new WeakMap<Connection, MysqlProbe>()
  /** Of the tables behind all endpoints. */
  readonly engines: Engines

  /** @param options.clock `@default` the system's */
  constructor(options: { clock?: Clock | undefined } = {}) {
    const clock = options.clock ?? systemClock
    this.engines = new Engines(() => clock.now())
  }

  async connect(endpoint: Endpoint, context: ConnectContext): Promise<Connection> {
    const { connection, session } = await this.#open(endpoint, context)
    session.queries = context.queries
    session.tables = this.engines.of(endpoint.id)
    session.onNewEngine = () => this.engines.forget(endpoint.id)
    return connection
  }

  async validate(connection: Connection): Promise<void> {
    const session = this.#sessionOf(connection)
    try {
      session.role = await askRole(session)
    } catch (error) {
      // A server that refuses to run it at that moment has answered.
      if (!isAnswerOfServer(error) || classify(error) !== 'statement') throw error
    }
  }

  inspect(connection: Connection): ConnectionCondition {
    return this.#sessionOf(connection).condition()
  }

  close(connection: Connection): Promise<void> {
    return this.#sessionOf(connection).end()
  }

  destroy(connection: Connection, reason?: Error): void {
    const session = this.#sessionOf(connection)
    const kill = session.running ? this.#killerOf(connection, session) : undefined
    session.destroy(reason)
    kill?.()
  }

  classify(error: unknown): FailureKind {
    return typeof error === 'object' && error !== null && this.#mistakes.has(error)
      ? 'defect'
      : classify(error)
  }

  readonly transactions: Transactions<Connection> = {
    unknownOutcomeCode: UNKNOWN_OUTCOME,
    /** The level that is set is that of the next transaction alone. */
    begin: async (connection, options) => {
      const { readOnly = false } = options
      await this.#sessionOf(connection).begin(textsToBegin(options), readOnly)
    },
    /**
     * @throws TransactionRolledBackError `CONNMGR_TRANSACTION_ROLLED_BACK` if the server had rolled back, as it does by a
     * deadlock, and the error was ignored; or if the work had ended the transaction by ROLLBACK
     */
    commit: (connection) => this.#sessionOf(connection).commit(),
    rollback: (connection) => this.#sessionOf(connection).rollback(),
  }

  readonly session: Sessions<Connection> = {
    baseline: (connection) => this.#sessionOf(connection).baseline(),
    altered: (connection) => this.#sessionOf(connection).altered,
    /** Both policies send COM_RESET_CONNECTION, by which prepared statements go in any case. */
    reset: (connection) => this.#sessionOf(connection).reset(),
    fence: leasedConnection,
  }

  readonly statements: Statements = { fingerprint, isDeliberate }

  readonly replication: Replication<Connection> = {
    openProbe: async (endpoint, context) => {
      const { connection, session } = await this.#open(endpoint, context)
      this.activity.holdProcess(connection, false)
      return new MysqlProbe(session)
    },
    ask: async (connection) => {
      const session = this.#sessionOf(connection)
      let question = this.#questions.get(connection)
      if (question === undefined) {
        question = new MysqlProbe(session, { ownsSession: false })
        this.#questions.set(connection, question)
      }
      const result = await question.check(new AbortController().signal)
      session.role = result.role
      return result
    },
    role: (connection) => this.#sessionOf(connection).role,
    probeScope: probeScopeOf,
    isOfDatabase,
    order: orderHistories,
    covers: coversPosition,
    writePlace: (connection) => askWritePlace(this.#sessionOf(connection)),
    readPlace: (connection) => askReadPlace(this.#sessionOf(connection)),
  }

  readonly activity: Activity<Connection> = {
    of: (connection) => this.#sessionOf(connection).activity,
    settle: (connection) => this.#sessionOf(connection).settled(),
    whyBroken: (connection) => this.#sessionOf(connection).refusal(),
    holdProcess: (connection, hold) => {
      const { stream } = internalsOf(connectionOf(connection))
      // A socket of the user's own making may have neither.
      if (hold) stream.ref?.()
      else stream.unref?.()
    },
  }

  /** Has the engines of an endpoint's tables read, unless they are known. */
  readEngines(endpoint: Endpoint): void {
    this.engines.read(endpoint.id, (text) => this.#askAside(endpoint, text))
  }

  /** What has ended a connection, as the server or mysql2 reports it. */
  troubleOf(connection: Connection): Error | undefined {
    return this.#sessionOf(connection).trouble
  }

  /** Asks over a connection that is opened for that, so that callers do not wait for the answer. */
  async #askAside(endpoint: Endpoint, text: string): Promise<OwnResult['rows']> {
    const abort = new AbortController()
    const timer = systemClock.setTimeout(
      () => abort.abort(new Error(`the server did not answer within ${ASIDE_MS} ms`)),
      ASIDE_MS,
    )
    let opened: { connection: Connection; session: Session } | undefined
    abort.signal.addEventListener('abort', () => opened?.session.destroy(), { once: true })
    try {
      opened = await this.#open(endpoint, { signal: abort.signal, onSignal: () => {} })
      this.activity.holdProcess(opened.connection, false)
      return await opened.session.ask(text)
    } finally {
      systemClock.clearTimeout(timer)
      opened?.session.destroy()
    }
  }

  async #open(
    endpoint: Endpoint,
    { onSignal, signal, watch }: ConnectContext,
  ): Promise<{ connection: Connection; session: Session }> {
    signal.throwIfAborted()
    const connection = await this.#create(endpoint, signal)
    const session = new Session(connection, onSignal)
    this.#sessions.set(connection, session)
    this.#endpoints.set(connection, endpoint)
    watch?.(bytesAtLogin(connection))
    try {
      await logIn(connection, session, signal)
    } catch (error) {
      session.destroy()
      throw signal.aborted ? signal.reason : this.#failure(error)
    }
    return { connection, session }
  }

  async #create(endpoint: Endpoint, signal: AbortSignal): Promise<Connection> {
    try {
      const config = await connectionConfigOf(endpoint)
      signal.throwIfAborted()
      return createFollowedConnection(config)
    } catch (error) {
      throw signal.aborted ? signal.reason : this.#failure(error)
    }
  }

  #killerOf(connection: Connection, session: Session): (() => void) | undefined {
    const own = connectionOf(connection)
    const endpoint = this.#endpoints.get(own)
    const { stream, threadId } = internalsOf(own)
    if (endpoint === undefined || threadId === null) return undefined
    const { remoteAddress: address, remotePort: port } = stream
    const { flavour, server } = session
    const identity =
      server === undefined ? undefined : { question: `SELECT ${IDENTITY[flavour]}`, answer: server }
    return () => {
      connectionConfigOf(endpoint)
        .then((config) => killRunning({ config, address, port, threadId, identity }))
        // A function for the password that fails now fails at the next connect as well, which reports it.
        .catch(() => {})
    }
  }

  /** A function for the password may fail with anything. */
  #failure(thrown: unknown): unknown {
    const error = withoutSecrets(thrown)
    if (isProgrammingError(error)) this.#mistakes.add(error)
    return error
  }

  #sessionOf(connection: Connection): Session {
    const session = this.#sessions.get(connection) ?? this.#sessions.get(connectionOf(connection))
    if (session === undefined) throw new TypeError('this connection was not opened by connmgr')
    return session
  }
}
