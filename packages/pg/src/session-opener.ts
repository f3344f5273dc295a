import { Socket } from 'node:net'
import type { Endpoint } from '@connmgr/core'
import {
  type ConnectContext,
  isProgrammingError,
  oneBufferSocket,
  withoutSecrets,
} from '@connmgr/core/driver'
import type { Client, ClientConfig } from 'pg'
import type { OpenStream } from './cancel.js'
import { classify } from './classify.js'
import { configForClass } from './client-config.js'
import { authPolicyOf } from './endpoint-config.js'
import { clientOf } from './leased-client.js'
import { nodePostgres } from './node-postgres.js'
import { countReceived } from './received-bytes.js'
import { guardLogin } from './require-auth.js'
import { readRows } from './rows/received-rows.js'
import { Session } from './session.js'
import { unwrapped } from './unwrapped.js'

/** A class whose instances are node-postgres clients; `pg.Client` or one derived from it. */
export type ClientClass = new (config?: ClientConfig) => Client

const KEEP_ALIVE_DELAY_MS = 5000
/** The TypeError of node-postgres for a server that asks for a password where there is none. */
const NO_PASSWORD = 'Password must be a string'

/** Opens clients, and knows the session of each from before it connects. */
export class SessionOpener {
  readonly Client: ClientClass
  readonly #clientOptions: object
  readonly #onNoRoom: (endpointId: string) => void
  readonly #defects = new WeakSet<object>()
  readonly #sessions = new WeakMap<Client, Session>()

  /**
   * @param options.Client `@default` pg.Client
   * @param options.clientOptions what a class of the user gets beside the configuration of an endpoint
   * @param onNoRoom called when a server has no room for a connection
   */
  constructor(
    options: { Client?: ClientClass | undefined; clientOptions?: object | undefined },
    onNoRoom: (endpointId: string) => void,
  ) {
    this.Client = options.Client ?? nodePostgres.Client
    this.#clientOptions = options.clientOptions ?? {}
    this.#onNoRoom = onNoRoom
  }

  /** @throws TypeError for a client of other origin */
  sessionOf(client: Client): Session {
    const session = this.#sessions.get(client) ?? this.#sessions.get(clientOf(client))
    if (session === undefined) throw new TypeError('this client was not opened by connmgr')
    return session
  }

  /** Whether an error of {@link open} comes from a mistake in the program, which no other attempt mends. */
  isDefect(error: unknown): boolean {
    return typeof error === 'object' && error !== null && this.#defects.has(error)
  }

  /** @param own settings of a connection that no caller gets; instrumentation of users is to see nothing of it */
  async open(
    endpoint: Endpoint,
    { signal, onSignal, watch }: ConnectContext,
    own?: ClientConfig,
  ): Promise<Session> {
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
    readRows(client)
    const onAbort = (): void => session.destroy()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      const connect: () => Promise<unknown> = client.connect
      await (own === undefined ? client.connect() : unwrapped(connect).call(client))
    } catch (error) {
      session.destroy()
      if (classify(error) === 'busy') this.#onNoRoom(endpoint.id)
      throw signal.aborted ? signal.reason : this.#failure(error)
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
    session.open()
    // It cancels what the session runs. As node-postgres hides the password, hidden when a client is printed.
    if ('secretKey' in client) Object.defineProperty(client, 'secretKey', { enumerable: false })
    return session
  }

  #createClient(endpoint: Endpoint, own: ClientConfig = {}): Client {
    const endpointConfig = endpoint.config as ClientConfig
    const config: ClientConfig = {
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
      ...endpointConfig,
      ...own,
      password: endpointConfig.password,
    }
    try {
      return this.Client === nodePostgres.Client
        ? new nodePostgres.Client(config.stream ? config : { ...config, stream: openSocket })
        : new this.Client(configForClass(endpoint, this.#clientOptions, config, own))
    } catch (error) {
      throw this.#failure(error)
    }
  }

  /** node-postgres attaches the client to some errors, and a function for the password may fail with anything. */
  #failure(thrown: unknown): unknown {
    const error = withoutSecrets(thrown)
    if (isProgrammingError(error) && error.message !== NO_PASSWORD) this.#defects.add(error)
    return error
  }
}

/** Called with what node-postgres has made of the options for TLS and of the environment, which its types leave out. */
const openSocket = ((config: { ssl?: unknown }) =>
  config.ssl ? new Socket() : oneBufferSocket(Socket)) as unknown as NonNullable<
  ClientConfig['stream']
>
