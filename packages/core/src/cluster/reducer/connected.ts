import type { ObservationOf } from './observations.js'
import type { Turn } from './turn.js'

/** A connection to an endpoint has been opened. */
export function connected(turn: Turn, { id }: ObservationOf<'connected'>): void {
  turn.change(id, { everConnected: true })
}
