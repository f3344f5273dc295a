import type { PeerDatabaseName } from './peer-database.js'

/** What the runner says to the process of a client. */
export type Command =
  | {
      readonly type: 'open'
      readonly database: PeerDatabaseName
      readonly peer: string
      readonly urls: readonly [string, ...string[]]
    }
  | { readonly type: 'start' }
  | { readonly type: 'stop' }

/** What became of a write that was rejected. */
export interface Rejection {
  readonly code: string
  readonly message: string
  /** True if the error says that the write may have happened. */
  readonly reportedUnknown: boolean
}

/** What that process answers. All moments are milliseconds of the monotonic clock, which processes have in common. */
export type Report =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'begun'; readonly id: string; readonly at: number }
  | { readonly type: 'written'; readonly id: string; readonly at: number }
  | {
      readonly type: 'rejected'
      readonly id: string
      readonly at: number
      readonly rejection: Rejection
    }
  | { readonly type: 'stopped' }
