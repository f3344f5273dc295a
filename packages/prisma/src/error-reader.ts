import type { ErrorReader } from '@connmgr/core/driver'

interface Meta {
  readonly driverAdapterError?: unknown
}

/** Prisma Client's errors: those of raw queries keep the driver's code as a note deep within. */
export const PRISMA_ERRORS: ErrorReader = {
  failureOf({ code, message }) {
    // Its word for a serialization failure and for a deadlock.
    if (code === 'P2034') return 'conflict'
    const none = code === 'P2028' && String(message).includes('Unable to start a transaction')
    return none ? 'never-sent' : undefined
  },
  wrappedBy: ({ meta }) => [(meta as Meta | undefined)?.driverAdapterError],
  originalOf: ({ originalCode }) =>
    typeof originalCode === 'string'
      ? Object.assign(new Error(), { code: originalCode })
      : undefined,
}
