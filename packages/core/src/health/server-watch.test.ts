import {
  FakeClock,
  type FakeConnection,
  FakeDriver,
  FakeError,
  fakeEndpoint,
} from '@connmgr/testing'
import type { Endpoint } from '../driver/contract.js'
import { ConnectionManager } from '../manager.js'
import type { ManagerOptions } from '../options.js'

type Manager = ConnectionManager<FakeConnection>

/** The same server for all, and a database for each. */
function endpointsOf(database: string, ids: readonly string[]): Endpoint[] {
  return ids.map((id) => {
    const endpoint = { ...fakeEndpoint(id), id: `${id}/${database}`, host: id, database }
    return Object.defineProperty(endpoint, 'config', { value: {} }) as Endpoint
  })
}

/** Answers for every database of a server as that server does. */
class ManyDatabases extends FakeDriver {
  readonly #refused = new Set<string>()

  refuse(database: string): void {
    this.#refused.add(database)
  }

  admit(database: string): void {
    this.#refused.delete(database)
  }

  override server(endpoint: Endpoint | string) {
    return super.server(typeof endpoint === 'string' ? endpoint : (endpoint.host ?? ''))
  }

  override connect(...[endpoint, context]: Parameters<FakeDriver['connect']>) {
    return this.#check(endpoint) ?? super.connect(endpoint, context)
  }

  override openProbe(...[endpoint, context]: Parameters<FakeDriver['openProbe']>) {
    return this.#check(endpoint) ?? super.openProbe(endpoint, context)
  }

  #check({ database = '' }: Endpoint): Promise<never> | undefined {
    return this.#refused.has(database)
      ? Promise.reject(new FakeError('setup', `database "${database}" does not exist`))
      : undefined
  }
}

let clock: FakeClock
let driver: ManyDatabases
let managers: Manager[]

beforeEach(() => {
  clock = new FakeClock()
  driver = new ManyDatabases({ clock, shareProbes: true })
  managers = []
})

afterEach(async () => {
  const closing = Promise.all(managers.map((each) => each.close({ drainTimeoutMs: 100 })))
  await clock.advance(3000)
  await closing
  expect(clock.pendingTimers).toBe(0)
})

function manage(
  database: string,
  ids: readonly string[] = ['a', 'b'],
  options: ManagerOptions<FakeConnection> = {},
): Manager {
  const manager = new ConnectionManager<FakeConnection>({
    driver,
    endpoints: endpointsOf(database, ids),
    options: { clock, logger: false, prePing: false, acquireTimeoutMs: 3000, ...options },
  })
  managers.push(manager)
  return manager
}

async function startAll(count: number, ids?: readonly string[]): Promise<void> {
  driver.server('b').role = 'standby'
  driver.server('b').writable = false
  for (let index = 0; index < count; index += 1) manage(`t${index}`, ids)
  const starting = Promise.all(managers.map((each) => each.start()))
  await clock.advance(10)
  await starting
}

const probesIn = async (ms: number): Promise<number> => {
  const before = driver.count('probe')
  await clock.advance(ms)
  return driver.count('probe') - before
}

const openProbes = (): number => driver.server('a').probes + driver.server('b').probes

describe('managers of one server', () => {
  test('probe it together, over one session, as often as one of them does', async () => {
    await startAll(10)
    expect(openProbes()).toBe(2)
    const probes = await probesIn(10_000)
    // Two endpoints, every 400 to 500 ms, and a login every four to five seconds that asks too.
    expect(probes).toBeGreaterThanOrEqual(40)
    expect(probes).toBeLessThanOrEqual(50 + 6)
    expect(openProbes()).toBe(2)
    for (const each of managers) {
      expect(each.getHealthStats().totalChecks).toBeGreaterThanOrEqual(40)
      expect(each.getHealthStats().failedChecks).toBe(0)
    }
  })

  test('that have no connection hear now and then that nothing has changed, and at once if it has', async () => {
    await startAll(100)
    const [used, ...others] = managers as [Manager, ...Manager[]]
    ;(await used.acquire()).release()
    const checksOf = (each: Manager): number => each.getHealthStats().totalChecks
    const before = others.map(checksOf)
    const usedBefore = checksOf(used)
    await clock.advance(30_000)
    // Of its two servers only the writer has connections.
    expect(checksOf(used) - usedBefore).toBeGreaterThanOrEqual(60)
    const received = others.map((each, index) => checksOf(each) - (before[index] as number))
    // Of each of two servers, every ten seconds.
    expect(Math.min(...received)).toBeGreaterThanOrEqual(2 * 2)
    expect(Math.max(...received)).toBeLessThanOrEqual(2 * 5)
    driver.server('b').crash()
    await clock.advance(1100)
    for (const each of managers)
      expect(each.getFailoverStatus().endpoints[1]).toMatchObject({ state: 'DOWN' })
  })

  test('that are used after a rest notice a silence as soon as others', async () => {
    await startAll(100)
    await clock.advance(30_000)
    const last = managers.at(-1) as Manager
    ;(await last.acquire()).release()
    driver.server('a').hang()
    await clock.advance(1100)
    for (const each of managers)
      expect(each.getFailoverStatus().endpoints[0]).toMatchObject({ state: 'DOWN' })
    driver.server('a').resume()
  })

  test('log in to it together', async () => {
    await startAll(20)
    const before = driver.count('openProbe')
    await clock.advance(20_000)
    // Of each of two endpoints, every four to five seconds.
    expect(driver.count('openProbe') - before).toBeLessThanOrEqual(2 * 6)
    expect(driver.count('openProbe') - before).toBeGreaterThanOrEqual(2 * 3)
  })

  test('are probed at the pace of the one that wants it fastest, while that one lives', async () => {
    await startAll(3)
    const hasty = manage('hasty', ['a', 'b'], { failover: { probeIntervalMs: 100 } })
    const starting = hasty.start()
    await clock.advance(10)
    await starting
    const fast = await probesIn(10_000)
    expect(fast).toBeGreaterThanOrEqual(200)
    const closing = hasty.close({ drainTimeoutMs: 0 })
    await clock.advance(2000)
    await closing
    expect(await probesIn(10_000)).toBeLessThanOrEqual(56)
  })

  test('are asked apart if they would ask differently', async () => {
    await startAll(2)
    const patient = manage('patient', ['a', 'b'], { failover: { probeTimeoutMs: 900 } })
    const starting = patient.start()
    await clock.advance(10)
    await starting
    expect(openProbes()).toBe(4)
  })

  test('all follow a failover at the same time', async () => {
    await startAll(20)
    driver.server('a').crash()
    driver.server('b').role = 'primary'
    driver.server('b').writable = true
    await clock.advance(1000)
    for (const each of managers) {
      expect(each.getFailoverStatus()).toMatchObject({
        state: 'STEADY',
        activeEndpoint: expect.stringMatching(/^b\//),
        epoch: 1,
      })
    }
    expect(openProbes()).toBe(1)
  })

  test('hear of what one of them has found out', async () => {
    await startAll(5)
    const [first, last] = [managers[0] as Manager, managers[4] as Manager]
    driver.server('b').role = 'primary'
    driver.server('b').writable = true
    driver.server('a').role = 'standby'
    driver.server('a').writable = false
    const checking = first.checkHealth()
    await clock.advance(5)
    await checking
    expect(last.getFailoverStatus().activeEndpoint).toBe('b/t4')
    expect(last.getHealthStats().totalChecks).toBe(first.getHealthStats().totalChecks)
  })

  test('go on when the one whose session it was is closed, and notice nothing', async () => {
    await startAll(4)
    for (const each of managers.slice(1)) {
      const closing = each.close({ drainTimeoutMs: 0 })
      await clock.advance(1200)
      await closing
    }
    const [left] = managers as [Manager]
    expect(left.getHealthStats()).toMatchObject({ failedChecks: 0, successRate: 1 })
    expect(left.getFailoverStatus().state).toBe('STEADY')
    expect(await probesIn(10_000)).toBeGreaterThanOrEqual(40)
    expect(openProbes()).toBe(2)
  })

  test('go on while one that stops its monitoring hears nothing', async () => {
    await startAll(2)
    const [one, other] = managers as [Manager, Manager]
    one.stopHealthMonitoring()
    const { totalChecks } = one.getHealthStats()
    await clock.advance(5000)
    expect(one.getHealthStats().totalChecks).toBe(totalChecks)
    expect(other.getHealthStats().totalChecks).toBeGreaterThan(totalChecks + 10)
    other.stopHealthMonitoring()
    expect(openProbes()).toBe(0)
    const resuming = one.startHealthMonitoring()
    await clock.advance(5)
    await resuming
    await clock.advance(1000)
    expect(one.getHealthStats().totalChecks).toBeGreaterThan(totalChecks)
  })

  test('differ by what they know of their own databases', async () => {
    await startAll(3)
    driver.refuse('t3')
    const refused = manage('t3')
    const acquiring = refused.acquire().catch((error: unknown) => error)
    await clock.advance(1000)
    expect(await acquiring).toMatchObject({ code: 'CONNMGR_CONNECT_FAILED' })
    expect(refused.getHealthStatus().healthy).toBe(false)
    for (const each of managers.slice(0, 3)) {
      expect(each.getFailoverStatus().state).toBe('STEADY')
      expect(each.getHealthStats().failedChecks).toBe(0)
    }
    driver.admit('t3')
    await clock.advance(60_000)
    const lease = await refused.acquire()
    expect(lease.connection.endpoint.database).toBe('t3')
    lease.release()
  })

  test('are not misled by a session to a database that is dropped', async () => {
    await startAll(3)
    // The session of the probe leads to the database of the first.
    driver.refuse('t0')
    driver.server('a').terminateAll()
    await clock.advance(2000)
    const [first, second, third] = managers as [Manager, Manager, Manager]
    expect(first.getFailoverStatus().endpoints[0]?.state).toBe('QUARANTINED')
    for (const each of [second, third]) {
      expect(each.getFailoverStatus()).toMatchObject({ state: 'STEADY', epoch: 0 })
      expect(each.getHealthStats().failedChecks).toBe(0)
    }
  })
})

describe('a single server', () => {
  test('has no session of ours between checks, whose pace is that of one manager', async () => {
    await startAll(20, ['a'])
    expect(openProbes()).toBe(0)
    expect(await probesIn(600_000)).toBeLessThanOrEqual(14)
    expect(openProbes()).toBe(0)
    for (const each of managers) expect(each.getHealthStats().totalChecks).toBeGreaterThan(10)
  })

  test('whose database is missing refuses its own callers at once', async () => {
    await startAll(2, ['a'])
    driver.refuse('gone')
    const manager = manage('gone', ['a'])
    const acquiring = manager.acquire().catch((error: unknown) => error)
    await clock.advance(100)
    expect(await acquiring).toMatchObject({ code: 'CONNMGR_CONNECT_FAILED' })
    expect(manager.getHealthStatus().healthy).toBe(false)
    expect(managers[0]?.getHealthStatus().healthy).toBe(true)
  })
})
