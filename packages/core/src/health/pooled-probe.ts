import type { Probe, ProbeResult } from '../driver/replication.js'

/** A probe over a connection of the pool. The pool measures how long its answers take. */
export class PooledProbe implements Probe {
  constructor(
    readonly check: () => Promise<ProbeResult>,
    readonly destroy: () => void,
    /** When the question of an answer that has come already was sent. `@default` when `check` is called */
    readonly posedAt?: number,
  ) {}
}
