import type { ConnectionManager } from '@connmgr/core'
import {
  fakeManager as anyFakeManager,
  FakeClock,
  type FakeConnection,
  FakeDriver,
  type FakeManagerOptions,
} from '@connmgr/testing'
import type { Alert } from '../../src/alerts/alert.js'
import { type Alerts, alerts } from '../../src/alerts/alerts.js'
import type { AlertsOptions } from '../../src/alerts/options.js'
import type { AlertProblem } from '../../src/alerts/problem.js'

/** A manager over a fake driver, watched by alerts on the same clock, which stands still until it is advanced. */
export interface Watched {
  readonly clock: FakeClock
  readonly driver: FakeDriver
  readonly manager: ConnectionManager<FakeConnection>
  readonly alerts: Alerts
  /** What came to the sink: status and summary. */
  readonly reported: Alert[]
  readonly problems: AlertProblem[]
  /** `firing ConnmgrLeaks` and so on, since the latest call. */
  news(): string[]
}

/** Of two connections, none of which is ever replaced for its age. */
export function fakeManager(
  clock: FakeClock,
  options: Omit<FakeManagerOptions, 'clock'> = {},
): ConnectionManager<FakeConnection> {
  return anyFakeManager({ clock, poolSize: 2, maxOverflow: 0, ...options }).manager
}

export function watch(
  alertsOptions: Partial<AlertsOptions> = {},
  managerOptions: Parameters<typeof fakeManager>[1] = {},
): Watched {
  const clock = new FakeClock()
  const driver = managerOptions.driver ?? new FakeDriver({ clock })
  const manager = fakeManager(clock, { driver, ...managerOptions })
  const reported: Alert[] = []
  const problems: AlertProblem[] = []
  let seen = 0
  return {
    clock,
    driver,
    manager,
    reported,
    problems,
    alerts: alerts({
      managers: manager,
      sinks: [(sent) => void reported.push(...sent)],
      intervalMs: 1000,
      labels: { instance: 'web-1' },
      onProblem: (problem) => problems.push(problem),
      clock,
      ...alertsOptions,
    }),
    news() {
      const news = reported.slice(seen).map(({ rule, status }) => `${status} ${rule}`)
      seen = reported.length
      return news
    },
  }
}

/** Ends what {@link watch} has begun. */
export async function end({ alerts: watching, clock, manager }: Watched): Promise<void> {
  const closing = Promise.all([
    watching.close({ drainTimeoutMs: 1 }),
    manager.close({ drainTimeoutMs: 1 }),
  ])
  await clock.advance(10_000)
  await closing
}
