import type { Channel } from 'node:diagnostics_channel'
import type { Clock } from '../time/clock.js'
import { messageOf, POINT_CHANNELS } from './channels.js'
import { summarize } from './event-parts.js'
import type { ConnmgrEvent, ConnmgrEventType, EventOf, Listener } from './events.js'

/** The manager whose events they are. */
export interface EventSource {
  readonly id: number
  readonly name: string
}

type AnyListener = (event: ConnmgrEvent) => unknown

/** Listeners whose own events call listeners, and so on, for so many generations make way for everything else. */
const GENERATIONS_AT_ONCE = 8

/** Runs what follows on it after the running code, for a fifth of what `queueMicrotask` costs. */
const SOON = Promise.resolve()

/** The listeners to one type of event. A frequent emitter keeps it, and need not look it up each time. */
export class Topic {
  readonly channel: Channel | undefined
  readonly listeners = new Listeners()
  readonly #all: Listeners

  constructor(type: ConnmgrEventType, all: Listeners) {
    this.channel = POINT_CHANNELS[type]
    this.#all = all
  }

  /** True if there is a listener. The hot path builds no event without one. */
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
 * Delivers events to listeners and to diagnostics channels, in the order in which they were emitted.
 *
 * A listener may do anything, so none runs while the engine is changing its state: events wait until the outermost turn
 * has ended (`enter`, `leave`), or, of those emitted outside of one, until the running code has. A listener that throws
 * or rejects harms neither the engine nor the other listeners; its error is emitted as `listenerFailed`.
 */
export class EventEmitter {
  readonly #source: EventSource
  readonly #clock: Clock
  readonly #show: (event: ConnmgrEvent) => ConnmgrEvent
  readonly #topics = new Map<ConnmgrEventType, Topic>()
  readonly #all = new Listeners()
  /** Emitted and not delivered yet: events, and messages for other channels. */
  readonly #outbox: (ConnmgrEvent | (() => void))[] = []
  #depth = 0
  #delivering = false
  #scheduled = false
  readonly #deliverScheduled = (): void => {
    this.#scheduled = false
    this.#deliverAll()
  }

  /** @param show what listeners get of an event instead of it */
  constructor(
    source: EventSource,
    clock: Clock,
    show: (event: ConnmgrEvent) => ConnmgrEvent = (event) => event,
  ) {
    this.#source = source
    this.#clock = clock
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
  onAny(listener: (event: ConnmgrEvent) => unknown): () => void {
    // A wrapper of its own, so that one function subscribed twice is called and removed twice.
    return this.#all.add((event) => listener(event))
  }

  /** Begins a change of the engine's state; `leave` must always follow. Turns may contain turns. */
  enter(): void {
    this.#depth += 1
  }

  /** Ends what `enter` began; the end of the outermost turn delivers what was emitted in it. */
  leave(): void {
    this.#depth -= 1
    this.deliver()
  }

  /** Delivers what waits, unless a turn is under way. For those whose change is complete, and cannot afford a turn. */
  deliver(): void {
    if (this.#outbox.length > 0 && this.#depth === 0) this.#deliverAll()
  }

  /** `work` as a turn. */
  turn<T>(work: () => T): T {
    this.enter()
    try {
      return work()
    } finally {
      this.leave()
    }
  }

  emit(event: ConnmgrEvent): void {
    if (this.topic(event.type).wanted) this.#post(this.#show(event))
  }

  /** Publishes on a channel when it is its turn, as its subscribers may do anything too. */
  publish(channel: Channel, message: object): void {
    if (channel.hasSubscribers) this.#post(() => channel.publish(message))
  }

  #post(item: ConnmgrEvent | (() => void)): void {
    this.#outbox.push(item)
    if (this.#depth > 0 || this.#delivering || this.#scheduled) return
    this.#scheduled = true
    void SOON.then(this.#deliverScheduled)
  }

  /** Never throws. What listeners cause is delivered after what had happened before. */
  #deliverAll(): void {
    if (this.#delivering) return
    this.#delivering = true
    const outbox = this.#outbox
    let delivered = 0
    let endOfGeneration = outbox.length
    for (let generation = 1; delivered < outbox.length; delivered += 1) {
      if (delivered === endOfGeneration) {
        if (generation === GENERATIONS_AT_ONCE) break
        generation += 1
        endOfGeneration = outbox.length
      }
      const item = outbox[delivered] as ConnmgrEvent | (() => void)
      if (typeof item === 'function') item()
      else this.#deliver(item)
    }
    if (delivered === outbox.length) outbox.length = 0
    else outbox.splice(0, delivered)
    this.#delivering = false
    if (outbox.length === 0 || this.#scheduled) return
    // A listener that always causes the next event must not keep the process from everything else.
    this.#scheduled = true
    this.#clock.setImmediate(this.#deliverScheduled)
  }

  #deliver(event: ConnmgrEvent): void {
    const { channel, listeners } = this.topic(event.type)
    // Takes care of subscribers that throw, in its own way.
    if (channel?.hasSubscribers === true) channel.publish(messageOf(event, this.#source.id))
    for (const listener of listeners.current) this.#call(listener, event)
    for (const listener of this.#all.current) this.#call(listener, event)
  }

  #call(listener: AnyListener, event: ConnmgrEvent): void {
    try {
      const result = listener(event)
      if (typeof result === 'object' && result !== null && 'then' in result) {
        Promise.resolve(result).catch((error: unknown) => this.#failed(event, 'rejected', error))
      }
    } catch (error) {
      this.#failed(event, 'threw', error)
    }
  }

  #failed(event: ConnmgrEvent, how: 'threw' | 'rejected', error: unknown): void {
    // A listener of listenerFailed that fails must not loop.
    if (event.type === 'listenerFailed') return
    this.emit({
      type: 'listenerFailed',
      pool: this.#source.name,
      reason: `a listener of ${event.type} ${how}`,
      error: summarize(error),
    })
  }
}
