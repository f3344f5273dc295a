import { UnsupportedError } from '@connmgr/core'

/** What decides in Prisma which requests of one tick become one statement. */
interface BatchingOptions {
  batchBy?: (request: { readonly transaction?: unknown }) => unknown
}

/**
 * Has a client read each `findUnique` by itself. Prisma would make one statement of those of a tick, whichever requests
 * they are for, and run it on the connection of the first: with `onAcquire` that is prepared for one caller alone.
 *
 * @throws UnsupportedError `CONNMGR_UNSUPPORTED` for a client that does not show how it batches
 */
export function readEachByItself(client: unknown): void {
  const { _requestHandler } = client as {
    _requestHandler?: { dataloader?: { options?: BatchingOptions } }
  }
  const options = _requestHandler?.dataloader?.options
  const batchBy = options?.batchBy
  if (options === undefined || typeof batchBy !== 'function') {
    throw new UnsupportedError(
      'onAcquire cannot be used with this version of Prisma: its client may read for several callers in one statement',
    )
  }
  options.batchBy = (request) => (request.transaction === undefined ? undefined : batchBy(request))
}
