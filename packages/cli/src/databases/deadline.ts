import { systemClock } from '@connmgr/core/driver'

/** A signal that fires when a time is over, or when another one fires. */
export interface Deadline {
  readonly signal: AbortSignal
  /** Whole milliseconds that are left, at least 0. */
  readonly leftMs: number
  end(): void
}

/** Ends what a command waits for. @param parent fires when the command itself is to end */
export function startDeadline(timeoutMs: number, parent: AbortSignal): Deadline {
  const clock = systemClock
  const endsAt = clock.now() + timeoutMs
  const abort = new AbortController()
  const stop = (): void => abort.abort(parent.reason)
  if (parent.aborted) stop()
  parent.addEventListener('abort', stop, { once: true })
  const timer = clock.setTimeout(
    () => abort.abort(new Error(`no time was left: --timeout is ${timeoutMs} ms`)),
    timeoutMs,
    true,
  )
  return {
    signal: abort.signal,
    get leftMs() {
      return Math.max(0, Math.floor(endsAt - clock.now()))
    },
    end() {
      clock.clearTimeout(timer)
      parent.removeEventListener('abort', stop)
    },
  }
}
