import type { ConnectionManager } from '@connmgr/core'
import { Timeline } from './timeline.js'
import type { TimelineEntry } from './view.js'

/** The timelines of the managers that the page shows. Those that it shows no more are forgotten. */
export class Timelines {
  readonly #byManager = new Map<ConnectionManager<object>, Timeline>()

  /** Begins to keep what happens to these managers, and to no others. */
  follow(managers: readonly ConnectionManager<object>[]): void {
    const wanted = new Set(managers)
    for (const [manager, timeline] of this.#byManager) {
      if (wanted.has(manager)) continue
      timeline.stop()
      this.#byManager.delete(manager)
    }
    for (const manager of wanted) {
      if (!this.#byManager.has(manager)) this.#byManager.set(manager, new Timeline(manager))
    }
  }

  of(manager: ConnectionManager<object>): readonly TimelineEntry[] {
    return this.#byManager.get(manager)?.entries ?? []
  }

  stop(): void {
    this.follow([])
  }
}
