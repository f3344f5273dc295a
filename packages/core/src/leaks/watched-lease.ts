import type { ConnectionActivity, Endpoint } from '../driver/contract.js'
import type { LeaseReport } from '../vocabulary/lease-report.js'
import type { CapturedStack } from './stack.js'

/** What a lease has come to: how long it was held, and what it sent. */
export type LeaseCourse = Pick<LeaseReport, 'heldForMs' | 'queryCount' | 'lastQuery'>

/** What leak detection reads of a lease, and writes into it. */
export interface WatchedLease {
  readonly id: number
  readonly acquiredAt: number
  /** Totals at the start of the lease: what happened in it is the difference. */
  readonly stalledBefore: number
  readonly queryCountBefore: number
  readonly owner: { readonly label: string | undefined }
  /** The pool's record of its connection. */
  readonly entry: {
    readonly id: number
    readonly endpoint: Endpoint
    readonly activity: ConnectionActivity | undefined
  }
  /** What was last known of it while its connection was its own. */
  readonly handedOut: { readonly past: LeaseCourse | undefined } | undefined
  /** The stack that shows best whose lease it is. */
  readonly whereabouts: CapturedStack | undefined
  /** Held for long on purpose. */
  readonly isLongLived: boolean
  readonly active: boolean
  /** Set once it has been reported as leaked. */
  leaked: boolean
}
