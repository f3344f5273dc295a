import type { Channel } from 'node:diagnostics_channel'
import { POINT_CHANNELS } from './channels.js'
import {
  type ConnmgrEvent,
  type ConnmgrEventType,
  type EventOf,
  type Listener,
  summarize,
} from './events.js'

type AnyListener = (event: ConnmgrEvent) => void

/** Who hears one type of event. Kept by whoever emits it often, who need not look it up then. */
export class Topic {
  readonly channel: Channel | undefined
  readonly listeners = new Listeners()
  readonly #all: Listeners

  constructor(type: ConnmgrEventType, all: Listeners) {
    this.channel = POINT_CHANNELS[type]
    this.#all = all
  }

  /** True if somebody listens, so that the hot path need not build an event nobody reads. */
  get wanted(): boolean {
    return (
      this.listeners.current.length > 0 ||
      this.#all.current.length > 0 ||
      this.channel?.hasSubscribers === true
    )
  }
}

/** A list that is replaced, never changed: a listener may subscribe and unsubscribe others while all are being called. */
class Listeners {
  current: readonly AnyListener[] = []

  /** Returns the function that unsubscribes. */
  add(listener: AnyListener): () => void {
    this.current = [...this.current, listener]
    return () => {
      this.current = this.current.filter((each) => each !== listener)
    }
  }
}

/**
 * Delivers events to listeners and to diagnostics channels. A listener that throws harms neither the emitter nor the other
 * listeners; its error is emitted as `listenerFailed`.
 */
export class EventEmitter {
  readonly #pool: string
  readonly #topics = new Map<ConnmgrEventType, Topic>()
  readonly #all = new Listeners()

  readonly #show: (event: ConnmgrEvent) => ConnmgrEvent

  /** @param show what is told of an event instead of it */
  constructor(pool: string, show: (event: ConnmgrEvent) => ConnmgrEvent = (event) => event) {
    this.#pool = pool
    this.#show = show
  }

  topic(type: ConnmgrEventType): Topic {
    let topic = this.#topics.get(type)
    if (topic === undefined) {
      topic = new Topic(type, this.#all)
      this.#topics.set(type, topic)
    }
    return topic
  }

  /** Returns the function that unsubscribes. */
  on<T extends ConnmgrEventType>(type: T, listener: Listener<T>): () => void {
    return this.topic(type).listeners.add((event) => listener(event as EventOf<T>))
  }

  /** Hears every event. Returns the function that unsubscribes. */
  onAny(listener: (event: ConnmgrEvent) => void): () => void {
    // A wrapper of its own, so that one function subscribed twice is called and removed twice.
    return this.#all.add((event) => listener(event))
  }

  emit(occurred: ConnmgrEvent): void {
    const event = this.#show(occurred)
    const { channel, listeners } = this.topic(event.type)
    if (channel?.hasSubscribers === true) channel.publish(event)
    for (const listener of listeners.current) this.#deliver(listener, event)
    for (const listener of this.#all.current) this.#deliver(listener, event)
  }

  #deliver(listener: AnyListener, event: ConnmgrEvent): void {
    try {
      listener(event)
    } catch (error) {
      // A listener of listenerFailed that throws must not loop.
      if (event.type === 'listenerFailed') return
      this.emit({
        type: 'listenerFailed',
        pool: this.#pool,
        reason: `a listener of ${event.type} threw`,
        error: summarize(error),
      })
    }
  }
}
