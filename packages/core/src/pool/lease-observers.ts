import { type ObservedManager, observerFailed } from '../events/guarded-observers.js'
import type { FunctionReference } from '../leaks/stack.js'

/** What observers read of a lease that has ended. */
export interface EndedLease {
  readonly id: number
  /** It was held for long on purpose. Takes as long as all else that is done at the end of a lease. */
  readonly isLongLived: boolean
}

/**
 * Hears of the leases of one manager, in the midst of the engine's work: it must be quick, and must not call the manager.
 * What it throws is emitted as `listenerFailed`.
 */
export interface LeaseObserver {
  /**
   * A lease is asked for: within that call, so that its stack leads to the caller.
   *
   * @param below the function that the caller called
   * @returns what {@link began} gets of it; undefined if that is not to be called for this lease
   */
  readonly acquiring: (below: FunctionReference) => unknown
  /** It was lent. @param lease `Lease.id` @param noted what {@link acquiring} has returned */
  readonly began: (lease: number, noted: unknown) => void
  /** It has ended, or its connection was taken away. */
  readonly ended: (lease: EndedLease, heldMs: number) => void
}

/** Where a manager has its observers, also for another copy of this package. */
export const LEASE_OBSERVERS = Symbol.for('connmgr.leaseObservers')

/** What observers have noted of one acquire. */
export interface NotedAcquire {
  readonly observer: LeaseObserver
  readonly noted: unknown
  /** Of the observers before. */
  readonly before: NotedAcquire | undefined
}

/** The observers of one manager's leases. They are called directly, which costs a small part of a message on a channel. */
export class LeaseObservers {
  /** Whether there are any. A field, as each acquire and release reads it. */
  any = false
  readonly #manager: ObservedManager
  #observers: readonly LeaseObserver[] = []

  constructor(manager: ObservedManager) {
    this.#manager = manager
  }

  /** Returns the function that ends it. */
  add(observer: LeaseObserver): () => void {
    // A copy, so that one that is added twice is called and ended twice.
    const own = { ...observer }
    this.#set([...this.#observers, own])
    return () => this.#set(this.#observers.filter((each) => each !== own))
  }

  /** @returns what {@link began} takes; undefined if nobody wants to hear more of this lease */
  acquiring(below: FunctionReference): NotedAcquire | undefined {
    let all: NotedAcquire | undefined
    for (const observer of this.#observers) {
      try {
        const noted = observer.acquiring(below)
        if (noted !== undefined) all = { observer, noted, before: all }
      } catch (error) {
        observerFailed(this.#manager, 'leases threw in acquiring', error)
      }
    }
    return all
  }

  began(lease: number, acquire: NotedAcquire): void {
    if (acquire.before !== undefined) this.began(lease, acquire.before)
    try {
      acquire.observer.began(lease, acquire.noted)
    } catch (error) {
      observerFailed(this.#manager, 'leases threw in began', error)
    }
  }

  ended(lease: EndedLease, heldMs: number): void {
    for (const observer of this.#observers) {
      try {
        observer.ended(lease, heldMs)
      } catch (error) {
        observerFailed(this.#manager, 'leases threw in ended', error)
      }
    }
  }

  #set(observers: readonly LeaseObserver[]): void {
    this.#observers = observers
    this.any = observers.length > 0
  }
}

/**
 * Observes the leases of a manager; returns the function that ends it.
 *
 * @param manager a `ConnectionManager`, of whichever copy of this package
 */
export function observeLeases(manager: object, observer: LeaseObserver): () => void {
  const observers = (manager as { readonly [LEASE_OBSERVERS]?: LeaseObservers })[LEASE_OBSERVERS]
  if (observers === undefined)
    throw new TypeError('only the leases of a ConnectionManager can be observed')
  return observers.add(observer)
}
