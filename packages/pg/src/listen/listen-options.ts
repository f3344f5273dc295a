/** One message of `NOTIFY`. */
export interface Notification {
  readonly channel: string
  /** Empty if none was given. */
  readonly payload: string
  /** Of the server's process that sent it. */
  readonly processId: number
}

/** Notifications may have been missed; whoever keeps a copy of something reads it anew. */
export interface NotificationGap {
  readonly channel: string
  /** Why nobody listened. */
  readonly reason: string
  /** How long nobody listened. */
  readonly durationMs: number
}

export type NotificationHandler = (notification: Notification) => void | Promise<void>

/** What `manager.listen` may be told. */
export interface ListenOptions {
  /**
   * Called after the channel had not been listened to for a while, once it is listened to again: what is read from then
   * on misses nothing. Notifications that arrive meanwhile are delivered after it has been called.
   */
  readonly onGap?: (gap: NotificationGap) => void | Promise<void>
  /** How long the first `LISTEN` may take. `@default` the manager's `acquireTimeoutMs` */
  readonly timeoutMs?: number
}
