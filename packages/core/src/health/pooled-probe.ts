import type { Probe, ProbeResult } from '../driver/replication.js'

/** A probe over a connection of the pool. The pool measures how long its answers take. */
export class PooledProbe implements Probe {
  constructor(
    readonly check: () => Promise<ProbeResult>,
    readonly destroy: () => void,
  ) {}
}
