import type { DriverEvent, LeaseReport } from '@connmgr/core'
import type { Clock, TimerHandle } from '@connmgr/core/driver'
import { walSizeOf } from '../location/file-identity.js'
import { type LockingProcess, processesOn } from './database-status.js'

declare module '@connmgr/core' {
  interface DriverEvents {
    walPinned: WalPinnedEvent
  }
}

const INTERVAL_MS = 5000

/**
 * The write-ahead log has grown beyond `walLimitBytes`, and a reader that holds an old snapshot keeps it from being emptied.
 * Emitted once for each time that it does.
 */
export interface WalPinnedEvent extends DriverEvent {
  readonly type: 'walPinned'
  readonly walBytes: number
  /** Frames of the log that are not in the database yet. */
  readonly frames: number
  /** Who holds a snapshot in this process, longest first. */
  readonly holders: readonly LeaseReport[]
  /** Who holds one in another process. */
  readonly processes: readonly LockingProcess[]
}

/** What a watch needs. */
export interface WalWatchSettings {
  readonly clock: Clock
  readonly path: string
  readonly limitBytes: number
  readonly checkpoint: () => Promise<{ readonly frames: number; readonly checkpointed: number }>
  readonly pinners: () => readonly LeaseReport[]
  readonly onPinned: (pinned: Omit<WalPinnedEvent, keyof DriverEvent>) => void
}

/** Looks every five seconds whether the write-ahead log has grown, and who keeps it from shrinking. */
export class WalWatch {
  readonly #settings: WalWatchSettings
  #timer: TimerHandle | undefined
  #stopped = false
  /** Reported once for each time that it grows beyond its limit. */
  #reported = false

  constructor(settings: WalWatchSettings) {
    this.#settings = settings
  }

  start(): void {
    if (this.#timer === undefined && !this.#stopped) this.#next()
  }

  stop(): void {
    this.#stopped = true
    this.#settings.clock.clearTimeout(this.#timer)
  }

  /** Looks now. */
  async look(): Promise<void> {
    const { path, limitBytes, checkpoint, pinners, onPinned } = this.#settings
    if (walSizeOf(path) <= limitBytes) {
      this.#reported = false
      return
    }
    const { frames, checkpointed } = await checkpoint()
    if (frames <= checkpointed) {
      // The next writer begins at the start of the log; its size stays.
      this.#reported = false
      return
    }
    if (this.#reported) return
    this.#reported = true
    onPinned({
      walBytes: walSizeOf(path),
      frames: frames - checkpointed,
      holders: pinners(),
      processes: processesOn(path).filter(({ lock }) => lock === 'read'),
    })
  }

  #next(): void {
    if (this.#stopped) return
    this.#timer = this.#settings.clock.setTimeout(() => {
      this.look()
        // The writer was not to be had: its holder is in other reports.
        .catch(() => {})
        .finally(() => this.#next())
    }, INTERVAL_MS)
  }
}
