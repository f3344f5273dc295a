import { DemandMeter } from '../time/demand-meter.js'
import { DurationHistogram } from '../time/duration-histogram.js'
import type { PoolHistograms } from '../vocabulary/histogram.js'

/** What one pool measures of each acquire, lease and connect. */
export class PoolMeasures {
  readonly wait = new DurationHistogram()
  readonly use = new DurationHistogram()
  readonly create = new DurationHistogram()
  readonly demand: DemandMeter

  /** @param all the demand of the whole manager */
  constructor(now: number, all?: DemandMeter) {
    this.demand = new DemandMeter(now, all)
  }

  /** Adds the durations of another; its demand is part of the manager's anyhow. */
  add({ create, use, wait }: PoolMeasures): void {
    this.wait.add(wait)
    this.use.add(use)
    this.create.add(create)
  }

  snapshot(now: number, demand = this.demand): PoolHistograms {
    return {
      wait: this.wait.snapshot(),
      use: this.use.snapshot(),
      create: this.create.snapshot(),
      demand: demand.snapshot(now),
    }
  }
}
