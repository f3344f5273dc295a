import type { PoolEntry } from './entry.js'

/** What follows in a pool after something has happened to a connection or a slot. */
export interface NextSteps<C extends object> {
  /** Takes into service, or turns away, a connection that is new, or has just been tested or cleaned. */
  admit(entry: PoolEntry<C>): void
  /** Starts what the waiting callers need: there may be a connection for one of them, or room for another connection. */
  supply(): void
  /** A connection is gone, or an attempt to open one has ended: supplies, and looks whether a pool that closes is empty. */
  slotChanged(): void
  /** A caller has gone without a connection: looks whether a pool that closes is empty. */
  waiterGone(): void
  /** Opens a connection. @param ahead whether it is for a probe rather than for a waiter */
  open(ahead: boolean): void
}
