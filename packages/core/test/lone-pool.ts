import type { Role, Target } from '@connmgr/core'
import type { ConnectionSignal } from '@connmgr/core/driver'
import {
  FakeClock,
  type FakeConnection,
  FakeDriver,
  type FakeServer,
  fakeEndpoint,
} from '@connmgr/testing'
import { resolveManagerOptions } from '../src/config/resolve.js'
import type { EventEmitter } from '../src/events/emitter.js'
import type { ConnmgrEvent, ConnmgrEventType, EventOf } from '../src/events/events.js'
import { LeakDetector, NoLeakDetection } from '../src/leaks/leak-detector.js'
import { AcquireRequest } from '../src/pool/acquire-request.js'
import type { Lease } from '../src/pool/lease.js'
import type { AcquireOptions } from '../src/pool/options.js'
import { Pool } from '../src/pool/pool.js'
import { Runtime } from '../src/runtime.js'
import { StallMonitor } from '../src/time/stall.js'
import type { HarnessOptions } from './harness.js'

/** Calls that a pool has made of its observer, in order. */
type Reported =
  | { readonly what: 'connected' }
  | { readonly what: 'connectFailed'; readonly kind: string; readonly message: string }
  | { readonly what: 'signalled'; readonly signal: ConnectionSignal }
  | { readonly what: 'roleMismatch'; readonly seen: Role }

/** A pool by itself: no maintenance runs in it, and the test decides what else a manager would. */
export interface LonePool {
  readonly clock: FakeClock
  readonly driver: FakeDriver
  readonly server: FakeServer
  readonly pool: Pool<FakeConnection>
  readonly reported: readonly Reported[]
  readonly emitter: EventEmitter
  of<T extends ConnmgrEventType>(type: T): EventOf<T>[]
  acquire(options?: AcquireOptions, target?: Target): Promise<Lease<FakeConnection>>
}

type LoneOptions = Omit<HarnessOptions, 'endpoints' | 'prepare'> & {
  /** What becomes of those who wait when a connect fails. `@default` 'retry' */
  readonly onConnectFailed?: 'retry' | 'give-up'
  /** Whether `of` knows the events; if not, no listener has any. `@default` true */
  readonly recorded?: boolean
}

/** `prePing` is off, and connections live for ever, unless the test says so. */
export function lonePool({
  onConnectFailed = 'retry',
  recorded = true,
  ...given
}: LoneOptions = {}): LonePool {
  const clock = new FakeClock()
  const driver = new FakeDriver({ clock })
  const stall = new StallMonitor(clock)
  const runtime = new Runtime({ name: 'p', clock, reportSql: 'text' }, stall)
  const emitter = runtime.events
  const events: ConnmgrEvent[] = []
  if (recorded) emitter.onAny((event) => events.push(event))
  const { pool: options, leaks } = resolveManagerOptions<FakeConnection>(
    { prePing: false, maxLifetimeMs: 0, idleTimeoutMs: 0, ...given },
    'fake',
  )
  const reported: Reported[] = []
  const pool = new Pool<FakeConnection>(
    runtime,
    {
      endpoint: fakeEndpoint('a'),
      driver,
      options,
      observer: {
        epoch: 0,
        connected: () => reported.push({ what: 'connected' }),
        connectFailed: (_endpoint, kind, { message }) => {
          reported.push({ what: 'connectFailed', kind, message })
          return onConnectFailed
        },
        signalled: (_endpoint, signal) => reported.push({ what: 'signalled', signal }),
        drained: () => {},
        roleMismatch: (_endpoint, seen) => reported.push({ what: 'roleMismatch', seen }),
      },
    },
    leaks === undefined ? new NoLeakDetection() : new LeakDetector(leaks, clock, stall),
  )
  const lone: LonePool = {
    clock,
    driver,
    server: driver.server('a'),
    pool,
    reported,
    emitter,
    of: (type) => events.filter((event): event is EventOf<typeof type> => event.type === type),
    acquire: (wanted = {}, target = 'primary') => {
      const { timeoutMs = options.acquireTimeoutMs } = wanted
      return Promise.resolve(
        pool.acquire(new AcquireRequest(wanted, target, lone.acquire, timeoutMs)),
      )
    },
  }
  return lone
}

/** Closes a pool whose clock stands still. */
export async function closeLone({ clock, pool }: LonePool): Promise<void> {
  const closing = pool.close(100)
  await clock.advance(5000)
  await closing
}
