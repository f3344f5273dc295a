import { ConnectionManager, type ManagerOptions } from '@connmgr/core'
import { FakeClock } from './fake-clock.js'
import type { FakeConnection } from './fake-connection.js'
import { FakeDriver } from './fake-driver.js'
import { fakeEndpoint } from './fake-endpoint.js'

export type FakeManagerOptions = Omit<Partial<ManagerOptions<FakeConnection>>, 'clock'> & {
  readonly clock?: FakeClock
  readonly driver?: FakeDriver
  readonly endpoints?: readonly string[]
}

export interface FakeManager {
  readonly clock: FakeClock
  readonly driver: FakeDriver
  readonly manager: ConnectionManager<FakeConnection>
  /** Closes the manager, whose clock stands still. */
  close(drainTimeoutMs?: number): Promise<void>
}

/** A manager of servers that exist only in the test. */
export function fakeManager({
  clock = new FakeClock(),
  driver = new FakeDriver({ clock }),
  endpoints = ['a'],
  ...options
}: FakeManagerOptions = {}): FakeManager {
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
  return {
    clock,
    driver,
    manager,
    async close(drainTimeoutMs = 100) {
      const closing = manager.close({ drainTimeoutMs })
      await clock.advance(drainTimeoutMs + 2000)
      await closing
    },
  }
}
