import type { ProbeResult } from '../driver/contract.js'

/** Whether a server has answered what it had answered before, but for the position, which changes all the time. */
export function saysTheSame(one: ProbeResult, other: ProbeResult | undefined): boolean {
  return (
    other !== undefined &&
    one.role === other.role &&
    one.writable === other.writable &&
    one.systemId === other.systemId &&
    one.timeline === other.timeline &&
    one.startedAt === other.startedAt &&
    (one.missing?.length ?? 0) === 0 &&
    (other.missing?.length ?? 0) === 0
  )
}
