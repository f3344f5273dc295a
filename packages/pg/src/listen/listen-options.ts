import type { DriverEvent } from '@connmgr/core'

/**
 * Notifications may have been missed: the connection that listened was lost, or its server is not the writer any more.
 * Everything is listened to again by now, so what is read from here on misses nothing.
 */
export interface NotificationGapEvent extends DriverEvent {
  readonly type: 'notificationGap'
  /** Those that were listened to when it began. */
  readonly channels: readonly string[]
  readonly reason: string
  /** For how long no connection listened. */
  readonly durationMs: number
}

declare module '@connmgr/core' {
  interface DriverEvents {
    notificationGap: NotificationGapEvent
  }
}

/** One message of `NOTIFY`. */
export interface Notification {
  readonly channel: string
  /** Empty if none was given. */
  readonly payload: string
  /** Of the server's process that sent it. */
  readonly processId: number
}

/** Notifications may have been missed; read anew what you keep copies of. */
export interface NotificationGap {
  readonly channel: string
  /** Why no session listened. */
  readonly reason: string
  /** How long no session listened. */
  readonly durationMs: number
}

export type NotificationHandler = (notification: Notification) => void | Promise<void>

/** Options of `manager.listen`. */
export interface ListenOptions {
  /**
   * Called after the channel had not been listened to for a while, once it is listened to again: what is read from then
   * on misses nothing. Notifications that arrive meanwhile are delivered after it has been called.
   */
  readonly onGap?: (gap: NotificationGap) => void | Promise<void>
  /** How long the first `LISTEN` may take. `@default` the manager's `acquireTimeoutMs` */
  readonly timeoutMs?: number
}
