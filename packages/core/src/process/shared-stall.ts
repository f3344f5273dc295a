import type { Clock } from '../time/clock.js'
import { StallMonitor } from '../time/stall.js'

interface Shared {
  readonly monitor: StallMonitor
  users: number
}

const byClock = new WeakMap<Clock, Shared>()

/** One manager's part in the stall monitor that all managers of the process have in common: they stand still together. */
export class SharedStall {
  readonly #shared: Shared
  #using = false
  #unsubscribe: (() => void) | undefined

  constructor(clock: Clock) {
    let shared = byClock.get(clock)
    if (shared === undefined) {
      shared = { monitor: new StallMonitor(clock), users: 0 }
      byClock.set(clock, shared)
    }
    this.#shared = shared
  }

  get monitor(): StallMonitor {
    return this.#shared.monitor
  }

  /** @param onStop called after every stop of the process, until `stop` */
  start(onStop: () => void): void {
    if (this.#using) return
    this.#using = true
    this.#shared.users += 1
    this.#unsubscribe = this.monitor.onStop(onStop)
    this.monitor.start()
  }

  stop(): void {
    if (!this.#using) return
    this.#using = false
    this.#shared.users -= 1
    this.#unsubscribe?.()
    if (this.#shared.users === 0) this.monitor.stop()
  }
}
