import {
  type ConnectContext,
  type ConnectionActivity,
  type ConnectionCondition,
  type Driver,
  type Endpoint,
  type FailureKind,
  type IsolationLevel,
  invalidOption,
  type LeaseFence,
  type Probe,
  type ReplayPosition,
  type ResetFindings,
  type Role,
  type TransactionOptions,
  type WritePosition,
} from '@connmgr/core'
import type { Client, ClientConfig } from 'pg'
import pg from 'pg'
import { classify } from './classify.js'
import { internalsOf } from './client-internals.js'
import { clientOf, leasedClient } from './leased-client.js'
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
      throw signal.aborted ? signal.reason : withoutSecrets(error)
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
    session.open()
    return { client, session }
  }

  #sessionOf(client: Client): Session {
    const session = this.#sessions.get(client) ?? this.#sessions.get(clientOf(client))
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

/** node-postgres attaches the client, whose configuration has the password, to some errors. */
function withoutSecrets(error: unknown): unknown {
  if (typeof error === 'object' && error !== null && 'client' in error) delete error.client
  return error
}
