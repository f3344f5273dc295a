import type {
  ConnectContext,
  ConnectionActivity,
  ConnectionCondition,
  Driver,
  Endpoint,
  FailureKind,
  Probe,
  ReplayPosition,
  Role,
  TransactionOptions,
  WritePosition,
} from '@connmgr/core'
import { withoutSecrets } from '@connmgr/core'
import type { Client, ClientConfig } from 'pg'
import pg from 'pg'
import { classify } from './classify.js'
import { internalsOf } from './client-internals.js'
import { fingerprint } from './fingerprint.js'
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

  /** @param options.Client `@default` pg.Client */
  constructor(options: { Client?: ClientClass | undefined } = {}) {
    this.#Client = options.Client ?? pg.Client
  }

  async connect(endpoint: Endpoint, context: ConnectContext): Promise<Client> {
    const { client } = await this.#open(endpoint.config as ClientConfig, context)
    return client
  }

  async validate(client: Client): Promise<void> {
    const session = this.#sessionOf(client)
    const { rows } = await session.ask<[boolean]>('select pg_is_in_recovery()')
    session.role = rows[0]?.[0] === true ? 'standby' : 'primary'
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

  fingerprint(text: string): string {
    return fingerprint(text)
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
    const config = endpoint.config as ClientConfig
    const { client, session } = await this.#open(
      { ...config, password: config.password, application_name: PROBE_APPLICATION_NAME },
      context,
    )
    // Watching alone keeps no process alive.
    internalsOf(client).connection?.stream.unref()
    return new PgProbe(session)
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
      // node-postgres attaches the client to some errors, and a function for the password may fail with anything.
      throw signal.aborted ? signal.reason : withoutSecrets(error)
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
    session.begin()
    // It cancels what the session runs. As node-postgres hides the password, out of sight of whoever prints a client.
    if ('secretKey' in client) Object.defineProperty(client, 'secretKey', { enumerable: false })
    return { client, session }
  }

  #sessionOf(client: Client): Session {
    const session = this.#sessions.get(client)
    if (session === undefined) throw new TypeError('this client was not opened by connmgr')
    return session
  }
}
