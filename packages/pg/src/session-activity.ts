import type { ConnectionActivity } from '@connmgr/core/driver'
import type { ClientInternals } from './client-internals.js'

type Lease = ConnectionActivity['lease']

/**
 * What the engine reads of one connection.
 *
 * @param listenerOf the lease that has begun to listen: it is for notifications, which take a connection for as long as
 * they are wanted
 */
export function createActivity(
  internals: ClientInternals,
  listenerOf: () => Lease,
): ConnectionActivity {
  const activity: ConnectionActivity = {
    queryCount: 0,
    lastQuery: undefined,
    get received() {
      return internals.connection?.stream.bytesRead ?? 0
    },
    get running() {
      return internals._activeQuery ?? internals._sentQueryQueue?.[0] ?? undefined
    },
    get longLived() {
      const listener = listenerOf()
      return listener !== undefined && listener === activity.lease
    },
  }
  return activity
}
