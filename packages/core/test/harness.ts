import {
  ConnectionManager,
  type ConnmgrEvent,
  type ConnmgrEventType,
  type EndpointState,
  type EventOf,
  type ManagerOptions,
  type Target,
} from '@connmgr/core'
import { FakeClock, type FakeConnection, FakeDriver, fakeEndpoint } from '@connmgr/testing'

/** A manager over a fake driver, on a clock that stands still until a test advances it. */
export interface Harness {
  readonly clock: FakeClock
  readonly driver: FakeDriver
  readonly manager: ConnectionManager<FakeConnection>
  readonly events: readonly ConnmgrEvent[]
  of<T extends ConnmgrEventType>(type: T): EventOf<T>[]
  /** The fate of a promise so far. */
  outcome(promise: Promise<unknown>): Promise<'pending' | 'resolved' | string>
}

export type HarnessOptions = Partial<ManagerOptions<FakeConnection>> & {
  readonly endpoints?: readonly string[]
  readonly prepare?: (driver: FakeDriver) => void
}

const PENDING = Symbol('pending')

/** `healthMonitoring` and `prePing` are off, and connections live for ever, unless the test says so. */
export function manage({ endpoints = ['a'], prepare, ...options }: HarnessOptions = {}): Harness {
  const clock = new FakeClock()
  const driver = new FakeDriver({ clock })
  prepare?.(driver)
  const manager = new ConnectionManager<FakeConnection>({
    driver,
    endpoints: endpoints.map(fakeEndpoint),
    options: {
      clock,
      logger: false,
      healthMonitoring: false,
      prePing: false,
      maxLifetimeMs: 0,
      idleTimeoutMs: 0,
      ...options,
    },
  })
  const events: ConnmgrEvent[] = []
  manager.onAny((event) => events.push(event))
  return {
    clock,
    driver,
    manager,
    events,
    of: (type) => events.filter((event): event is EventOf<typeof type> => event.type === type),
    outcome: async (promise) => {
      await clock.settle()
      return Promise.race([promise, Promise.resolve(PENDING)]).then(
        (value) => (value === PENDING ? 'pending' : 'resolved'),
        (error: { code?: string; message?: string }) => error.code ?? error.message ?? 'rejected',
      )
    },
  }
}

/** Keeps a promise that will reject from being reported before the test looks at it. */
export function expectLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

/** Closes a manager whose clock stands still. */
export async function close({ clock, manager }: Harness, drainTimeoutMs = 100): Promise<void> {
  const closing = manager.close({ drainTimeoutMs })
  await clock.advance(drainTimeoutMs + 2000)
  await closing
}

/** A manager of a primary, `a`, and its standby, `b`. */
export function replicated(options: HarnessOptions = {}): Harness {
  return manage({
    endpoints: ['a', 'b'],
    healthMonitoring: true,
    ...options,
    prepare: (driver) => {
      driver.server('b').role = 'standby'
      driver.server('b').writable = false
      options.prepare?.(driver)
    },
  })
}

/** The state of an endpoint. */
export const stateOf = (h: Harness, id: string): EndpointState | undefined =>
  h.manager.getFailoverStatus().endpoints.find((each) => each.id === id)?.state

/** The endpoint that serves a target now. */
export async function endpointOf(h: Harness, target: Target = 'primary'): Promise<string> {
  const lease = await h.manager.acquire({ target })
  lease.release()
  return lease.endpoint.id
}
