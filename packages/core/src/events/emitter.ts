import { hasPointSubscribers, publishPoint } from './channels.js'
import {
  type ConnmgrEvent,
  type ConnmgrEventType,
  type EventOf,
  type Listener,
  summarize,
} from './events.js'

type AnyListener = (event: ConnmgrEvent) => void

/**
 * Delivers events to listeners and to diagnostics channels. A listener that throws harms neither the emitter nor the other
 * listeners; its error is emitted as `listenerFailed`.
 */
export class EventEmitter {
  readonly #pool: string
  readonly #listeners = new Map<ConnmgrEventType, Set<AnyListener>>()
  readonly #all = new Set<AnyListener>()

  constructor(pool: string) {
    this.#pool = pool
  }

  /** Returns the function that unsubscribes. */
  on<T extends ConnmgrEventType>(type: T, listener: Listener<T>): () => void {
    let listeners = this.#listeners.get(type)
    if (listeners === undefined) {
      listeners = new Set()
      this.#listeners.set(type, listeners)
    }
    const registered = listeners
    // A wrapper of its own, so that one function subscribed twice is called and removed twice.
    const entry: AnyListener = (event) => listener(event as EventOf<T>)
    registered.add(entry)
    return () => {
      registered.delete(entry)
      if (registered.size === 0 && this.#listeners.get(type) === registered)
        this.#listeners.delete(type)
    }
  }

  /** Hears every event. Returns the function that unsubscribes. */
  onAny(listener: (event: ConnmgrEvent) => void): () => void {
    const entry: AnyListener = (event) => listener(event)
    this.#all.add(entry)
    return () => {
      this.#all.delete(entry)
    }
  }

  /** True if somebody listens, so that the hot path need not build an event nobody reads. */
  has(type: ConnmgrEventType): boolean {
    return this.#all.size > 0 || this.#listeners.has(type) || hasPointSubscribers(type)
  }

  emit(event: ConnmgrEvent): void {
    publishPoint(event)
    const listeners = this.#listeners.get(event.type)
    if (listeners !== undefined)
      for (const listener of [...listeners]) this.#deliver(listener, event)
    if (this.#all.size > 0) for (const listener of [...this.#all]) this.#deliver(listener, event)
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
