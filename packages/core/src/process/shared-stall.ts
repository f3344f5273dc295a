import type { Clock } from '../clock.js'
import { StallMonitor } from '../stall.js'

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

  /** @param onStall called after every stall until `stop` */
  start(onStall: () => void): void {
    if (this.#using) return
    this.#using = true
    this.#shared.users += 1
    this.#unsubscribe = this.monitor.onStall(onStall)
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
