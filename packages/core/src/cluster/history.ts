import type { Order, Replication } from '../driver/replication.js'

/** How the driver compares what servers have written. */
export interface History {
  readonly covers: (position: string, written: string) => boolean
  readonly order: (one: string, other: string) => Order
}

/** Of servers that say nothing about it. */
const NO_HISTORY: History = { covers: () => false, order: () => 'unknown' }

export function historyOf<C extends object>(replication: Replication<C> | undefined): History {
  return replication === undefined
    ? NO_HISTORY
    : {
        covers: (position, written) => replication.covers(position, written),
        order: (one, other) => replication.order(one, other),
      }
}
