import { DemandMeter } from '../time/demand-meter.js'
import { DurationHistogram } from '../time/duration-histogram.js'
import type { PoolHistograms } from '../vocabulary/histogram.js'

/** Connections that are wanted, and those of them that callers wait for. */
export interface MeasuredDemand {
  readonly demand: DemandMeter
  readonly unmetDemand: DemandMeter
}

/** So many more callers wait, or fewer: each wants a connection, and has none. */
export function waitingChanged(
  { demand, unmetDemand }: MeasuredDemand,
  by: number,
  now: number,
): void {
  demand.change(by, now)
  unmetDemand.change(by, now)
}

/** What one pool measures of each acquire, lease and connect. */
export class PoolMeasures {
  readonly wait = new DurationHistogram()
  readonly use = new DurationHistogram()
  readonly create = new DurationHistogram()
  readonly demand: DemandMeter
  readonly unmetDemand: DemandMeter

  /** @param all the demand of the whole manager */
  constructor(now: number, all?: MeasuredDemand) {
    this.demand = new DemandMeter(now, all?.demand)
    this.unmetDemand = new DemandMeter(now, all?.unmetDemand)
  }

  /** So many more callers wait, or fewer. */
  waiting(by: number, now: number): void {
    waitingChanged(this, by, now)
  }

  /** Adds the durations of another; its demand is part of the manager's anyhow. */
  add({ create, use, wait }: PoolMeasures): void {
    this.wait.add(wait)
    this.use.add(use)
    this.create.add(create)
  }

  snapshot(now: number, { demand, unmetDemand }: MeasuredDemand = this): PoolHistograms {
    return {
      wait: this.wait.snapshot(),
      use: this.use.snapshot(),
      create: this.create.snapshot(),
      demand: demand.snapshot(now),
      unmetDemand: unmetDemand.snapshot(now),
    }
  }
}
