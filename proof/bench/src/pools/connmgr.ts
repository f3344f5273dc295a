import { ConnectionManager, type Endpoint, type Lease, type ManagerOptions } from '@connmgr/core'
import type { Driver } from '@connmgr/core/driver'
import { FakeServer, type MeasuredPool, type PoolKind, type PoolSettings } from './pool.js'

export function fakeDriver(server: FakeServer): Driver<object> {
  return {
    name: 'fake',
    connect: () => server.connect(),
    validate: async () => {},
    inspect: () => 'clean',
    close: async () => {},
    destroy: () => {},
    classify: () => 'lost',
  }
}

export const fakeEndpoint: Endpoint = { id: 'fake', host: 'fake', port: 1, config: undefined }

const CANCELLED = new Error('cancelled')

/** Ours, as users get it: leak tracking, metrics and events on, through the manager. */
export function connmgr(
  options: ManagerOptions<object> = {},
  onOpen: (manager: ConnectionManager<object>) => void = () => {},
): PoolKind {
  return {
    name: 'connmgr',
    open(settings: PoolSettings): MeasuredPool<Lease<object>> {
      const server = new FakeServer(settings.connectMs ?? 0)
      const manager = new ConnectionManager<object>({
        driver: fakeDriver(server),
        endpoints: [fakeEndpoint],
        options: {
          poolSize: settings.size,
          maxOverflow: settings.overflow ?? 0,
          logger: false,
          ...(settings.acquireTimeoutMs === undefined
            ? {}
            : { acquireTimeoutMs: settings.acquireTimeoutMs }),
          ...options,
        },
      })
      onOpen(manager)
      return {
        acquire: () => manager.acquire(),
        release: (lease) => lease.release(),
        abortable: () => {
          const controller = new AbortController()
          const { signal } = controller
          // With a reason, as Node makes an expensive DOMException otherwise.
          return {
            acquire: () => manager.acquire({ signal }),
            abort: () => controller.abort(CANCELLED),
          }
        },
        get opened() {
          return server.opened
        },
        close: () => manager.close({ drainTimeoutMs: 0 }),
      }
    },
  }
}
