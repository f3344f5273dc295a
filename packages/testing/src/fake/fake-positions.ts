import type { Order } from '@connmgr/core/driver'

/** Histories are the numbers of timelines. */
export function orderHistories(one: string, other: string): Order {
  const more = Number(one) - Number(other)
  return more > 0 ? 'newer' : more < 0 ? 'older' : 'same'
}

export function coversPosition(position: string, written: string): boolean {
  return positionIn(position) >= positionIn(written)
}

/** Positions look like no history does, so that one which is taken for the other fails. */
function positionIn(text: string): bigint {
  const [, digits] = /^p(\d+)$/.exec(text) ?? []
  if (digits === undefined) throw new TypeError(`"${text}" is no position`)
  return BigInt(digits)
}
