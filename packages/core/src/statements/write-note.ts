import type { Effects, WriteEnd } from '../flow/effects.js'

/**
 * Notes that something is to be written, with the unit of work in whose flow it is sent, and with the one that has
 * borrowed the connection: what gathers the writes of many callers sends them in a flow of its own.
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
  try {
    const ofBorrower = borrower.begin()
    return (end) => {
      inFlow?.(end)
      ofBorrower(end)
    }
  } catch (error) {
    inFlow?.('undone')
    throw error
  }
}
