import type { LeaseReport } from '@connmgr/core'
import { holdersOf } from './holders-of-process.js'
import { type HeldLock, locksOn, programOf } from './lock-holders.js'

/**
 * Says who holds a lock on a database: `in this process by placeOrder (orders.ts:12:9), for 1200 ms`, or `by another
 * process: 4321 (node worker.js)`.
 *
 * @param exceptLease the lease of the caller that waits, who holds the writer without holding the lock
 */
export function describeHolder(path: string, kind: HeldLock['kind'], exceptLease?: number): string {
  const locks = locksOn(path).filter((each) => each.kind === kind)
  const others = [...new Set(locks.map(({ pid }) => pid))].filter((pid) => pid !== process.pid)
  if (others.length > 0) {
    const named = others.map((pid) => `${pid}${inBrackets(programOf(pid))}`).join(', ')
    return `by another process: ${named}`
  }
  const holder = [
    ...holdersOf(path, 'writers'),
    ...(kind === 'read' ? holdersOf(path, 'readers') : []),
  ].find(({ leaseId }) => leaseId !== exceptLease)
  if (holder !== undefined) return `in this process by ${describeLease(holder)}`
  return locks.length > 0
    ? 'in this process, by a connection that no manager knows of'
    : 'by another process'
}

/** Who a lease is, and for how long. */
export function describeLease(lease: LeaseReport): string {
  const { checkedOutBy, label, heldForMs } = lease
  const who = [label === undefined ? undefined : `"${label}"`, checkedOutBy].filter(
    (each) => each !== undefined,
  )
  const name = who.length > 0 ? who.join(' at ') : `lease ${lease.leaseId}`
  return `${name}, for ${Math.round(heldForMs)} ms`
}

function inBrackets(text: string | undefined): string {
  return text === undefined || text === '' ? '' : ` (${text})`
}
