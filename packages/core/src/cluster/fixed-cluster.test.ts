import { FakeClock, type FakeConnection, FakeDriver, fakeEndpoint } from '@connmgr/testing'
import type { Endpoint } from '../driver/contract.js'
import type { ConnmgrEvent } from '../events/events.js'
import { ConnectionManager } from '../manager.js'
import type { ManagerOptions } from '../options.js'

/** Two endpoints of one file: a connection that writes, and connections that read. */
function endpointsOf(readers: number): Endpoint[] {
  const endpoint = (id: string, more: Partial<Endpoint>): Endpoint => {
    const { config, database = '' } = fakeEndpoint(id)
    return Object.defineProperty({ id, database, ...more }, 'config', { value: config }) as Endpoint
  }
  return [
    endpoint('writer', { role: 'primary', size: { poolSize: 1, maxOverflow: 0 }, capacity: 1 }),
    endpoint('readers', { role: 'standby', size: { poolSize: readers, maxOverflow: 0 } }),
  ]
}

/** As a database without replication has it. */
function plain(driver: FakeDriver): FakeDriver {
  return Object.assign(driver, { replication: undefined })
}

let clock: FakeClock
let driver: FakeDriver
let manager: ConnectionManager<FakeConnection>
let events: ConnmgrEvent[]

function manage(
  options: ManagerOptions<FakeConnection> = {},
  endpoints: readonly Endpoint[] = endpointsOf(2),
): void {
  clock = new FakeClock()
  driver = plain(new FakeDriver({ clock }))
  manager = new ConnectionManager<FakeConnection>({
    driver,
    endpoints,
    options: { clock, logger: false, ...options },
  })
  events = []
  manager.onAny((event) => events.push(event))
}

afterEach(async () => {
  const closing = manager.close({ drainTimeoutMs: 0 })
  await clock.advance(3000)
  await closing
})

const lentTo = async (target?: 'primary' | 'standby' | 'prefer-standby' | 'any') => {
  const lease = await manager.acquire(target === undefined ? {} : { target })
  lease.release()
  return lease.endpoint.id
}

describe('endpoints whose roles the configuration says', () => {
  test('serve each target by their roles, before any probe', async () => {
    manage()
    expect(await lentTo()).toBe('writer')
    expect(await lentTo('any')).toBe('writer')
    expect(await lentTo('standby')).toBe('readers')
    expect(await lentTo('prefer-standby')).toBe('readers')
  })

  test('have sizes of their own, which resize leaves alone', async () => {
    manage({ poolSize: 7, maxOverflow: 3 })
    expect(manager.getPoolMetrics('writer')).toMatchObject({ limit: 1 })
    expect(manager.getPoolMetrics('readers')).toMatchObject({ limit: 2 })
    manager.resize({ poolSize: 20, maxOverflow: 5 })
    expect(manager.getPoolMetrics('readers')).toMatchObject({ limit: 2 })
  })

  test('have no address, and are shown with their roles', async () => {
    manage({ healthMonitoring: true })
    await manager.start()
    await clock.advance(100)
    expect(manager.getFailoverStatus()).toMatchObject({
      state: 'STEADY',
      activeEndpoint: 'writer',
      endpoints: [
        { id: 'writer', role: 'primary', state: 'UP', host: undefined, port: undefined },
        { id: 'readers', role: 'standby', state: 'UP' },
      ],
    })
  })

  test('are never left for one another: callers wait for the writer, and reads go on', async () => {
    manage({ healthMonitoring: true })
    await manager.start()
    await lentTo()
    driver.server('writer').crash()
    await clock.advance(2000)
    expect(manager.getFailoverStatus()).toMatchObject({
      state: 'ALL_DOWN',
      activeEndpoint: 'writer',
    })
    const writing = lentTo()
    expect(await lentTo('standby')).toBe('readers')
    driver.server('writer').start()
    await clock.advance(1000)
    expect(await writing).toBe('writer')
    expect(events.some(({ type }) => type.startsWith('failover'))).toBe(false)
    await expect(manager.failover()).rejects.toMatchObject({
      code: 'CONNMGR_FAILOVER_FAILED',
      message: expect.stringContaining('one database'),
    })
  })

  test('let readers that are down be replaced by the writer only for those who prefer readers', async () => {
    manage({ healthMonitoring: { intervalMs: 100 }, acquireTimeoutMs: 500 })
    await manager.start()
    driver.server('readers').crash()
    await clock.advance(2000)
    const insisting = manager.acquire({ target: 'standby' })
    insisting.catch(() => {})
    expect(await lentTo('prefer-standby')).toBe('writer')
    await clock.advance(600)
    await expect(insisting).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_TIMEOUT' })
  })
})

describe('an endpoint that bears one connection', () => {
  test('is probed over that one, and never over another', async () => {
    manage({ healthMonitoring: { intervalMs: 100 }, poolMode: 'static' }, [
      { ...endpointsOf(1)[0], role: undefined, config: {} } as unknown as Endpoint,
    ])
    await manager.start()
    await clock.advance(1000)
    const lease = await manager.acquire()
    await clock.advance(1000)
    lease.release()
    await clock.advance(1000)
    expect(driver.mostOpen).toBe(1)
    expect(manager.getHealthStats()).toMatchObject({ failedChecks: 0 })
    expect(manager.getHealthStats().totalChecks).toBeGreaterThan(10)
  })
})
