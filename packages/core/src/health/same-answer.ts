import type { Order, ProbeResult } from '../driver/replication.js'

/** Between two answers of one server without a promotion between them. */
const GOES_ON: ReadonlySet<Order> = new Set(['same', 'equal', 'ahead'])

/** Whether a server has answered what it had answered before, but for what has been written since. */
export function saysTheSame(
  one: ProbeResult,
  other: ProbeResult | undefined,
  orderOf: (one: string, other: string) => Order,
): boolean {
  return (
    other !== undefined &&
    one.role === other.role &&
    one.writable === other.writable &&
    one.cluster === other.cluster &&
    one.server === other.server &&
    isSameHistory(one.history, other.history, orderOf) &&
    one.startedAt === other.startedAt &&
    (one.missing?.length ?? 0) === 0 &&
    (other.missing?.length ?? 0) === 0
  )
}

function isSameHistory(
  one: string | undefined,
  other: string | undefined,
  orderOf: (one: string, other: string) => Order,
): boolean {
  return (
    one === other || (one !== undefined && other !== undefined && GOES_ON.has(orderOf(one, other)))
  )
}
