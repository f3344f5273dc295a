import type { FaultProxy } from '@connmgr/testing'
import type { PeerCluster } from './peer-database.js'

/** How long things last; `--quick` shortens them. */
export interface Times {
  /** From the death of the primary to the promotion of the standby. */
  readonly untilPromotionMs: number
  readonly frozenMs: number
  readonly blackHoleMs: number
  /** How long a client may take to recover before it counts as lost. */
  readonly observedMs: number
}

export const FULL: Times = {
  untilPromotionMs: 2000,
  frozenMs: 30_000,
  blackHoleMs: 20_000,
  observedMs: 20_000,
}
export const QUICK: Times = {
  untilPromotionMs: 2000,
  frozenMs: 6000,
  blackHoleMs: 6000,
  observedMs: 8000,
}

/** What a fault has at hand. */
interface FaultScene<C extends PeerCluster = PeerCluster> {
  readonly cluster: C
  /** Stands before the primary in faults of the network, and only there. */
  readonly proxy: FaultProxy | undefined
  readonly times: Times
}

/** When the fault came, and since when a server could take writes again. */
export interface FaultMoments {
  readonly from: number
  readonly writableAt: number
}

/** One fault, as a row of the table. */
export interface Fault<C extends PeerCluster = PeerCluster> {
  readonly name: string
  readonly title: string
  readonly throughProxy?: boolean
  /** Resolves when everything that belongs to the fault is over. */
  inject(scene: FaultScene<C>): Promise<FaultMoments>
}
