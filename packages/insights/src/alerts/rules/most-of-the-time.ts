import { type DemandHistogram, demandShare } from '@connmgr/core'

const HALF_OF_THE_TIME = 0.5

/**
 * Whether at least so many connections were wanted for most of the time since the previous evaluation. The state at the
 * moment of each evaluation would be misled by work that comes in the same rhythm.
 *
 * @param demand since the previous evaluation; undefined at the first
 * @param now whether they are wanted at this moment, which decides if no time has gone by
 */
export function forMostOfTheTime(
  demand: DemandHistogram | undefined,
  connections: number,
  now: boolean,
): boolean {
  const share = demand === undefined ? Number.NaN : demandShare(demand, connections)
  return Number.isNaN(share) ? now : share > HALF_OF_THE_TIME
}
