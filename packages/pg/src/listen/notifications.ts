import {
  AcquireTimeoutError,
  type Clock,
  type ConnmgrEvent,
  type EventOf,
  PoolClosedError,
} from '@connmgr/core'
import {
  type ConnectionSignal,
  type DedicatedConnection,
  messageOf,
  outside,
  stateIs,
  type TimerHandle,
} from '@connmgr/core/driver'
import type { Client } from 'pg'
import { requireChannel } from './channel.js'
import type { ListenOptions, NotificationHandler } from './listen-options.js'
import { listenTo, prepareToListen, unlisten } from './listening-session.js'
import { type Subscription, Subscriptions } from './subscriptions.js'

type Connection = DedicatedConnection<Client>

/** What listening needs of its manager. */
export interface ListenHome {
  readonly name: string
  readonly clock: Clock
  readonly acquireTimeoutMs: number
  /** The `id` of the endpoint that takes writes. */
  writer(): string | undefined
  /** Undefined while there is no writer. */
  connect(
    onSignal: (signal: ConnectionSignal) => void,
    abort: AbortSignal,
  ): Promise<Connection | undefined>
  emit(event: ConnmgrEvent): void
  /** Calls back when something about the endpoints has changed. Returns the function that ends it. */
  onChange(listener: (change?: EventOf<'endpointStateChanged'>) => void): () => void
}

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 1000
/** A socket that has died silently is found out by asking: nothing else is sent on it. */
const HEARTBEAT_MS = 15_000

/**
 * Listens to the channels of one manager over one connection of its own to the writer. When that is lost, or another
 * server becomes the writer, it subscribes anew and tells of the gap.
 *
 * One loop does everything that talks to the server, so that what is subscribed always follows what is wanted.
 */
export class Notifications {
  readonly #home: ListenHome
  readonly #wanted: Subscriptions
  #connection: Connection | undefined
  /** Channels that the server listens to for the present connection. */
  readonly #subscribed = new Set<string>()
  /** Set from a loss until everything is subscribed again. */
  #lost: { readonly at: number; readonly reason: string } | undefined
  #lastError: unknown
  #working: Promise<void> | undefined
  #again = false
  #failures = 0
  #wake: (() => void) | undefined
  #heartbeat: TimerHandle | undefined
  #stopFollowing: (() => void) | undefined
  /** The attempt to connect that is under way. */
  #attempt: { readonly to: string | undefined; readonly abort: AbortController } | undefined
  #closed = false

  constructor(home: ListenHome) {
    this.#home = home
    this.#wanted = new Subscriptions(home.name, (event) => home.emit(event))
  }

  /** Resolves once the server listens, with the function that unsubscribes. */
  listen(
    channel: string,
    onNotification: NotificationHandler,
    { onGap, timeoutMs = this.#home.acquireTimeoutMs }: ListenOptions,
  ): Promise<() => void> {
    const { clock, name } = this.#home
    return new Promise((resolve, reject) => {
      requireChannel(channel)
      const stop = (): void => {
        this.#wanted.remove(subscription)
        this.#work()
      }
      const expired = (): void => {
        stop()
        reject(this.#timedOut(channel, timeoutMs))
      }
      const timer = clock.setTimeout(expired, timeoutMs, true)
      const started = (): void => {
        clock.clearTimeout(timer)
        if (this.#closed) reject(new PoolClosedError(name))
        else resolve(stop)
      }
      const subscription: Subscription = {
        channel,
        onNotification,
        onGap,
        started,
        confirmed: false,
      }
      this.#wanted.add(subscription)
      this.#stopFollowing ??= this.#home.onChange((change) => this.#changed(change))
      this.#work()
    })
  }

  /** Ends everything. Resolves when the connection is closed. */
  async close(): Promise<void> {
    this.#closed = true
    this.#attempt?.abort.abort(new PoolClosedError(this.#home.name))
    for (const { started, confirmed } of this.#wanted.clear()) if (!confirmed) started()
    this.#stopFollowing?.()
    // In the middle of something there is no goodbye.
    if (this.#working !== undefined) this.#drop('closed')
    this.#wake?.()
    this.#work()
    await this.#working
  }

  /** Has the loop look at how things stand. */
  #work(): void {
    this.#again = true
    // Its connection, and so the handlers that are called by it, belong to no flow that subscribes.
    this.#working ??= outside(() => this.#loop())
  }

  async #loop(): Promise<void> {
    while (this.#again) {
      this.#again = false
      try {
        if (await this.#step()) this.#failures = 0
        else await this.#pause()
      } catch (error) {
        this.#lastError = error
        this.#drop(messageOf(error))
        // Something may have changed while it was tried.
        if (!this.#again) await this.#pause()
      }
    }
    this.#working = undefined
  }

  /** Does what is to be done. False if there is no writer to do it at. */
  async #step(): Promise<boolean> {
    if (this.#wanted.channels.length === 0) {
      await this.#hangUp()
      return true
    }
    const connection = this.#connection ?? (await this.#open())
    if (connection === undefined) return false
    for (const channel of this.#wanted.channels) {
      if (this.#subscribed.has(channel)) continue
      await connection.within(listenTo(connection.connection, channel))
      this.#subscribed.add(channel)
    }
    for (const channel of this.#subscribed) {
      if (this.#wanted.has(channel)) continue
      await connection.within(unlisten(connection.connection, channel))
      this.#subscribed.delete(channel)
    }
    // Otherwise it was lost meanwhile, and the loop runs again.
    if (connection === this.#connection) this.#subscribedAt(connection.endpoint.id)
    return true
  }

  #subscribedAt(endpoint: string): void {
    const lost = this.#lost
    this.#lost = undefined
    this.#lastError = undefined
    if (lost !== undefined) {
      const durationMs = this.#home.clock.now() - lost.at
      this.#wanted.release({ endpoint, reason: lost.reason, durationMs })
    }
    this.#wanted.confirm(this.#subscribed)
  }

  async #open(): Promise<Connection | undefined> {
    let opened: Connection | undefined
    const abort = new AbortController()
    this.#attempt = { to: this.#home.writer(), abort }
    try {
      opened = await this.#home.connect(({ error }) => {
        if (opened !== undefined) this.#failed(opened, error)
      }, abort.signal)
    } finally {
      this.#attempt = undefined
    }
    if (opened === undefined) return undefined
    opened.connection.on('notification', ({ channel, payload = '', processId }) =>
      this.#wanted.deliver({ channel, payload, processId }),
    )
    this.#connection = opened
    this.#watch(opened)
    await opened.within(prepareToListen(opened.connection))
    return opened
  }

  #watch(connection: Connection): void {
    this.#heartbeat = this.#home.clock.setTimeout(() => {
      connection.check().then(
        () => {
          if (connection === this.#connection) this.#watch(connection)
        },
        (error: unknown) => this.#failed(connection, error),
      )
    }, HEARTBEAT_MS)
  }

  /** Something is wrong with a connection, perhaps no longer the present one. */
  #failed(connection: Connection, error: unknown): void {
    if (connection !== this.#connection) return
    this.#drop(messageOf(error))
    this.#work()
  }

  #changed(change?: EventOf<'endpointStateChanged'>): void {
    const at = this.#connection?.endpoint.id ?? this.#attempt?.to
    const writer = this.#home.writer()
    if (at !== undefined && at === change?.endpoint && stateIs(change.to, 'lost'))
      this.#leave(`${at} is ${change.to}`)
    else if (at !== undefined && writer !== undefined && at !== writer)
      this.#leave(`${writer} is the writer now`)
    // It may hang since before the server was back.
    else if (at === change?.endpoint && stateIs(change?.from ?? 'UP', 'lost'))
      this.#attempt?.abort.abort(new Error(`${at} is ${change?.to} again`))
    this.#failures = 0
    this.#wake?.()
    this.#work()
  }

  #leave(reason: string): void {
    this.#drop(reason)
    this.#attempt?.abort.abort(new Error(reason))
  }

  /** Cuts the connection off: from now on notifications may be missed. */
  #drop(reason: string): void {
    const connection = this.#connection
    if (connection === undefined) return
    this.#forget()
    connection.destroy(new Error(reason))
    this.#lost ??= { at: this.#home.clock.now(), reason }
    this.#wanted.hold()
  }

  async #hangUp(): Promise<void> {
    const connection = this.#connection
    this.#forget()
    this.#lost = undefined
    this.#wanted.discard()
    await connection?.close()
  }

  #forget(): void {
    this.#home.clock.clearTimeout(this.#heartbeat)
    this.#connection = undefined
    this.#subscribed.clear()
  }

  /** Lets the loop run again in a while, or when something changes. */
  async #pause(): Promise<void> {
    this.#again = true
    if (this.#closed) return
    const { clock } = this.#home
    const ceiling = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures)
    this.#failures += 1
    await new Promise<void>((resolve) => {
      const timer = clock.setTimeout(resolve, ceiling * (0.5 + clock.random() / 2), true)
      this.#wake = () => {
        clock.clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = undefined
  }

  #timedOut(channel: string, timeoutMs: number): Error {
    const without = this.#home.writer() === undefined
    const error = this.#lastError === undefined ? 'no answer yet' : messageOf(this.#lastError)
    return new AcquireTimeoutError({
      message:
        `pool "${this.#home.name}": not listening to "${channel}" within ${timeoutMs} ms: ` +
        `${without ? 'there is no writer' : error}`,
      phase: without ? 'no-endpoint' : 'connect',
      waitedMs: timeoutMs,
      cause: this.#lastError,
    })
  }
}
