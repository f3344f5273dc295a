// biome-ignore lint/style/noRestrictedImports: this is the clock that all others take time from
import { performance } from 'node:perf_hooks'
import { outside } from '../flow/outside.js'

/** A timer set through a {@link Clock}; opaque to everyone but the clock that made it. */
export type TimerHandle = { readonly [Symbol.toStringTag]?: string } | object

/**
 * Where connmgr takes its time from. Injected everywhere, so that tests can replace it.
 *
 * `now` is monotonic: a change of the machine's wall clock never moves a deadline.
 */
export interface Clock {
  /** Milliseconds on a monotonic scale with an arbitrary start. */
  now(): number
  /** Milliseconds since the Unix epoch, for people to read; never used for arithmetic. */
  wallTime(): number
  /**
   * Calls `callback` once, `delayMs` from now.
   *
   * @param keepAlive true if this timer alone may keep the process running; `@default` false
   */
  setTimeout(callback: () => void, delayMs: number, keepAlive?: boolean): TimerHandle
  clearTimeout(handle: TimerHandle | undefined): void
  /** Calls `callback` after the I/O that is already waiting has been handled. */
  setImmediate(callback: () => void): void
  /** For how many milliseconds the event loop has waited for something to happen so far: neither at work nor kept from it. */
  loopIdleMs(): number
  /** A number from 0 up to, but not including, 1. Jitter comes from here so that tests are repeatable. */
  random(): number
}

const LONGEST_MS = 2 ** 31 - 1

/** The clock of the running process. Its timers belong to no asynchronous flow. */
export const systemClock: Clock = {
  // Bound: looked up through the global object each time, it takes half as long again.
  now: performance.now.bind(performance),
  wallTime: () => Date.now(),
  setTimeout(callback, delayMs, keepAlive = false) {
    // Node fires what is longer at once.
    const timer = outside(() => setTimeout(callback, Math.min(delayMs, LONGEST_MS)))
    if (!keepAlive) timer.unref()
    return timer
  },
  clearTimeout(handle) {
    if (handle !== undefined) clearTimeout(handle as NodeJS.Timeout)
  },
  setImmediate(callback) {
    outside(() => setImmediate(callback))
  },
  loopIdleMs: () => performance.eventLoopUtilization().idle,
  random: () => Math.random(),
}
