import type { Effects, WriteEnd } from '@connmgr/core/driver'

/**
 * Notes that something may be committed, with the unit of work in whose flow it is run and with the one that has borrowed
 * the connection.
 *
 * @returns to be called with how it has ended; undefined if neither may be run again
 * @throws ConnectionLostError `CONNMGR_CONNECTION_LOST` if it belongs to an attempt that is over
 */
export function noteWrite(
  flow: Effects | undefined,
  borrower: Effects | undefined,
): ((end: WriteEnd) => void) | undefined {
  const inFlow = flow?.begin()
  if (borrower === undefined || flow?.isWithin(borrower) === true) return inFlow
  let ofBorrower: (end: WriteEnd) => void
  try {
    ofBorrower = borrower.begin()
  } catch (error) {
    inFlow?.('undone')
    throw error
  }
  return (end) => {
    inFlow?.(end)
    ofBorrower(end)
  }
}
