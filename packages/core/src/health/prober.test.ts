import { FakeClock, type FakeConnection, FakeDriver, fakeEndpoint } from '@connmgr/testing'
import { Deadlines } from '../deadlines.js'
import type { ConnectionSignal, Driver } from '../driver.js'
import { StallMonitor } from '../stall.js'
import { Prober } from './prober.js'

function probing(adapt: (driver: FakeDriver) => Driver<FakeConnection> = (driver) => driver) {
  const clock = new FakeClock()
  const driver = new FakeDriver({ clock })
  const signals: ConnectionSignal[] = []
  const prober = new Prober<FakeConnection>(
    fakeEndpoint('a'),
    adapt(driver),
    { probeTimeoutMs: 100, probeConnectTimeoutMs: 200 },
    clock,
    new Deadlines(clock, new StallMonitor(clock)),
    (signal) => signals.push(signal),
  )
  return { clock, driver, prober, signals }
}

/** The driver as one without a probe of its own, and without roles unless told. */
function plain(driver: FakeDriver, withRole: boolean): Driver<FakeConnection> {
  return {
    name: 'plain',
    connect: (endpoint, context) => driver.connect(endpoint, context),
    validate: (connection) => driver.validate(connection),
    inspect: (connection) => driver.inspect(connection),
    close: (connection) => driver.close(connection),
    destroy: (connection) => driver.destroy(connection),
    classify: (error) => driver.classify(error),
    ...(withRole ? { role: (connection: FakeConnection) => driver.role(connection) } : {}),
  }
}

describe('a prober', () => {
  test.each([
    [true, 'primary'],
    [false, 'unknown'],
  ])(
    'without a probe of the driver validates an ordinary connection (roles: %p)',
    async (withRole, role) => {
      const { driver, prober } = probing((fake) => plain(fake, withRole))
      expect(await prober.probe()).toMatchObject({ ok: true, result: { role, writable: true } })
      await prober.probe()
      expect(driver.count('connect')).toBe(1)
      expect(driver.count('validate')).toBe(2)
      prober.stop()
      expect(driver.open).toEqual([])
    },
  )

  test('asks once for all who want to know at the same time', async () => {
    const { driver, prober } = probing()
    expect(prober.probe()).toBe(prober.probe())
    await prober.probe()
    expect(driver.count('probe')).toBe(1)
    prober.stop()
  })

  test('asks again over a fresh connection if the kept one fails', async () => {
    const { driver, prober } = probing()
    await prober.probe()
    driver.next('probe', { fail: 'lost' })
    expect(await prober.probe()).toMatchObject({ ok: true })
    expect(driver.count('openProbe')).toBe(2)
    prober.stop()
  })

  test('reports the failure of the fresh connection as the server’s', async () => {
    const { driver, prober } = probing()
    await prober.probe()
    driver.next('probe', { fail: 'lost' })
    driver.next('openProbe', { fail: 'setup' })
    expect(await prober.probe()).toMatchObject({ ok: false, kind: 'setup', timedOut: false })
  })

  test('does not ask a second time after silence', async () => {
    const { clock, driver, prober } = probing()
    await prober.probe()
    driver.next('probe', 'hang')
    const asking = prober.probe()
    await clock.advance(101)
    expect(await asking).toMatchObject({ ok: false, kind: 'unreachable', timedOut: true })
    expect(driver.count('openProbe')).toBe(1)
  })

  test('closes a connection that came about after its deadline', async () => {
    const { clock, driver, prober } = probing((fake) => plain(fake, false))
    driver.next('connect', { afterMs: 300, ignoreAbort: true })
    const asking = prober.probe()
    await clock.advance(201)
    expect(await asking).toMatchObject({ ok: false, timedOut: true })
    await clock.advance(200)
    expect(driver.connections).toHaveLength(1)
    expect(driver.open).toEqual([])
  })

  test('once stopped it fails, and opens nothing more', async () => {
    const { driver, prober } = probing()
    prober.stop()
    expect(await prober.probe()).toMatchObject({
      ok: false,
      error: { message: 'probing has been stopped' },
    })
    expect(driver.count('openProbe')).toBe(0)
  })

  test('passes on what the kept connection notices by itself', async () => {
    const { driver, prober, signals } = probing((fake) => plain(fake, false))
    await prober.probe()
    driver.connections[0]?.signal('shutdown')
    expect(signals.map((each) => each.kind)).toEqual(['shutdown'])
    prober.stop()
    driver.connections[0]?.signal('shutdown')
    expect(signals).toHaveLength(1)
  })
})
