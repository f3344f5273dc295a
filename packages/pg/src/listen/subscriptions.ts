import type { ConnmgrEvent } from '@connmgr/core'
import { summarize } from '@connmgr/core/driver'
import type { ListenOptions, Notification, NotificationHandler } from './listen-options.js'

/** One call of `manager.listen`. */
export interface Subscription {
  readonly channel: string
  readonly onNotification: NotificationHandler
  readonly onGap: ListenOptions['onGap']
  /** Called once the server listens for it. */
  readonly started: () => void
  /** True from then on: only those whose `listen` has resolved can miss anything. */
  confirmed: boolean
}

/** A time without a listening session, and its cause. */
export interface Gap {
  readonly endpoint: string
  readonly reason: string
  readonly durationMs: number
}

/** Who listens to what, and tells them. */
export class Subscriptions {
  readonly #pool: string
  readonly #emit: (event: ConnmgrEvent) => void
  readonly #channels = new Map<string, Set<Subscription>>()
  #held: Notification[] | undefined

  constructor(pool: string, emit: (event: ConnmgrEvent) => void) {
    this.#pool = pool
    this.#emit = emit
  }

  get channels(): readonly string[] {
    return [...this.#channels.keys()]
  }

  has(channel: string): boolean {
    return this.#channels.has(channel)
  }

  add(subscription: Subscription): void {
    const { channel } = subscription
    const together = this.#channels.get(channel) ?? new Set()
    together.add(subscription)
    this.#channels.set(channel, together)
  }

  remove(subscription: Subscription): void {
    const together = this.#channels.get(subscription.channel)
    together?.delete(subscription)
    if (together?.size === 0) this.#channels.delete(subscription.channel)
  }

  /** Takes all out. */
  clear(): Subscription[] {
    const all = [...this.#channels.values()].flatMap((together) => [...together])
    this.#channels.clear()
    return all
  }

  /** Keeps what arrives from now on until `release`: it comes after the news of the gap. */
  hold(): void {
    this.#held = []
  }

  /** Nothing is missed any more. */
  discard(): void {
    this.#held = undefined
  }

  /** The server listens to all of these channels. */
  confirm(channels: Iterable<string>): void {
    for (const channel of channels) {
      for (const subscription of this.#channels.get(channel) ?? []) {
        if (subscription.confirmed) continue
        subscription.confirmed = true
        subscription.started()
      }
    }
  }

  /** Tells of a gap that is over, and then of what has arrived since. */
  release(gap: Gap): void {
    const { endpoint, reason, durationMs } = gap
    const concerned = [...this.#channels.values()].flatMap((together) =>
      [...together].filter(({ confirmed }) => confirmed),
    )
    const channels = [...new Set(concerned.map(({ channel }) => channel))]
    if (channels.length > 0) {
      this.#emit({
        type: 'notificationGap',
        pool: this.#pool,
        endpoint,
        channels,
        reason,
        durationMs,
        level: 'warn',
        message:
          `notifications of ${channels.join(', ')} may have been missed for ${Math.round(durationMs)} ms: ` +
          `${reason}; listening at ${endpoint} again`,
      })
    }
    for (const { channel, onGap } of concerned)
      this.#call('onGap', channel, () => onGap?.({ channel, reason, durationMs }))
    const held = this.#held ?? []
    this.#held = undefined
    for (const notification of held) this.deliver(notification)
  }

  deliver(notification: Notification): void {
    if (this.#held !== undefined) {
      this.#held.push(notification)
      return
    }
    const { channel } = notification
    for (const { onNotification } of [...(this.#channels.get(channel) ?? [])])
      this.#call('a listener', channel, () => onNotification(notification))
  }

  /** Calls a function of the user's, whose failure concerns no other. */
  #call(what: string, channel: string, call: () => void | Promise<void>): void {
    const failed = (error: unknown): void =>
      this.#emit({
        type: 'listenerFailed',
        pool: this.#pool,
        reason: `${what} of channel "${channel}" threw`,
        error: summarize(error),
      })
    try {
      Promise.resolve(call()).catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}
