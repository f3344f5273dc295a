import type { FailoverOptions } from '@connmgr/core'
import type { LoadOptions } from '../../load.js'
import type { Operation } from '../../operation-log.js'
import type { Recorded } from '../../recorder.js'
import type { Orm } from '../orms.js'

/** What a process of callers is started with. */
export interface CallersSettings {
  /** Unlike that of every other process: it is in the ids of the rows. */
  readonly name: string
  readonly orm: Orm
  /** The primary's first. */
  readonly urls: readonly string[]
  readonly load: LoadOptions
  /** Options of the manager that are plain data. */
  readonly manager: {
    readonly poolSize?: number
    readonly maxOverflow?: number
    readonly minIdle?: number
    readonly acquireTimeoutMs?: number
    readonly failover?: FailoverOptions
  }
}

export type CallersCommand =
  | { readonly type: 'start'; readonly settings: CallersSettings }
  | { readonly type: 'stop'; readonly drainTimeoutMs: number }

export type CallersReport =
  | { readonly type: 'ready' }
  | { readonly type: 'operation'; readonly operation: Operation }
  | { readonly type: 'event'; readonly recorded: Recorded }
  | { readonly type: 'closed'; readonly closeMs: number; readonly crashes: number }
