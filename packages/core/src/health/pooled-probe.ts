import type { Probe, ProbeResult } from '../driver/contract.js'

/** A question over a connection of the pool, which measures by itself how long answers take. */
export class PooledProbe implements Probe {
  constructor(
    readonly check: () => Promise<ProbeResult>,
    readonly destroy: () => void,
  ) {}
}
