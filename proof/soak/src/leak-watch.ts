import { setTimeout as pause } from 'node:timers/promises'
import { ConnectionLostError, type Lease } from '@connmgr/core'
import type { PgConnectionManager } from '@connmgr/pg'
import type { Client } from 'pg'
import { LEAK_THRESHOLD_MS } from './settings.js'
import type { Stalls } from './stalls.js'

/** Many times what a report takes; stalls and a busy machine delay it. */
const LATEST_REPORT_MS = 15_000
const LOOK_EVERY_MS = 20

/** Compares the leaks that are reported with those that there are. */
export class LeakWatch {
  readonly #manager: PgConnectionManager
  #missed = 0
  #false = 0

  constructor(manager: PgConnectionManager, stalls: Stalls) {
    this.#manager = manager
    manager.on('leakDetected', ({ lease }) => {
      const heldMs = Date.now() - lease.checkedOutAt.getTime()
      const lostMs = stalls.countedSince(performance.now() - heldMs)
      // Both clocks are read to the millisecond.
      if (heldMs - lostMs < LEAK_THRESHOLD_MS - 2) this.#false += 1
    })
  }

  get missed(): number {
    return this.#missed
  }

  get false(): number {
    return this.#false
  }

  /**
   * Holds on to a lease until it is reported as a leak.
   *
   * @throws ConnectionLostError if the connection is taken away before, as it is when the server ends it
   */
  async holdUntilReported(lease: Lease<Client>): Promise<void> {
    const deadline = performance.now() + LATEST_REPORT_MS
    while (!lease.leaked) {
      if (!this.#isHeld(lease)) throw new ConnectionLostError('the leak was taken away')
      if (performance.now() > deadline) {
        this.#missed += 1
        return
      }
      await pause(LOOK_EVERY_MS)
    }
  }

  #isHeld(lease: Lease<Client>): boolean {
    return this.#manager.getHolders().some((each) => each.leaseId === lease.id)
  }
}
