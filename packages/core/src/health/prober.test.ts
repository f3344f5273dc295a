import { FakeClock, type FakeConnection, FakeDriver, fakeEndpoint } from '@connmgr/testing'
import type { ConnectionSignal, Driver } from '../driver/contract.js'
import { Runtime } from '../runtime.js'
import { ResponseTimes } from '../time/response-times.js'
import { StallMonitor } from '../time/stall.js'
import { Prober } from './prober.js'

function probing(adapt: (driver: FakeDriver) => Driver<FakeConnection> = (driver) => driver) {
  const clock = new FakeClock()
  const driver = new FakeDriver({ clock })
  const signals: ConnectionSignal[] = []
  const times = new ResponseTimes()
  const prober = new Prober<FakeConnection>(
    new Runtime({ name: 'p', clock, reportSql: 'text' }, new StallMonitor(clock)),
    fakeEndpoint('a'),
    adapt(driver),
    { probeTimeoutMs: 100, probeConnectTimeoutMs: 200, times },
    (signal) => signals.push(signal),
  )
  return { clock, driver, prober, signals, times }
}

/** The driver as one without replication. */
function plain(driver: FakeDriver): Driver<FakeConnection> {
  return {
    name: 'plain',
    connect: (endpoint, context) => driver.connect(endpoint, context),
    validate: (connection) => driver.validate(connection),
    inspect: (connection) => driver.inspect(connection),
    close: (connection) => driver.close(connection),
    destroy: (connection) => driver.destroy(connection),
    classify: (error) => driver.classify(error),
  }
}

describe('a prober', () => {
  test('without a probe of the driver validates an ordinary connection', async () => {
    const { driver, prober } = probing(plain)
    expect(await prober.probe()).toMatchObject({
      ok: true,
      result: { role: 'unknown', writable: true },
    })
    await prober.probe()
    expect(driver.count('connect')).toBe(1)
    expect(driver.count('validate')).toBe(2)
    prober.stop()
    expect(driver.open).toEqual([])
  })

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

  test('asks on after slow answers until one comes soon, so that a busy machine makes no server far', async () => {
    const { clock, driver, prober, times } = probing()
    for (const latencyMs of [30, 25, 40, 2]) driver.next('probe', { afterMs: latencyMs })
    driver.next('openProbe', { afterMs: 30 })
    const asking = prober.probe()
    await clock.advance(60)
    expect(await asking).toMatchObject({ ok: true })
    expect(times.far).toBe(true)
    await clock.advance(70)
    expect(times.far).toBe(false)
    expect(driver.count('probe')).toBe(4)
    prober.stop()
  })

  test('takes a server for far once a dozen of its answers have come late', async () => {
    const { clock, driver, prober, times } = probing()
    driver.always('probe', { afterMs: 20 }).next('openProbe', { afterMs: 40 })
    const asking = prober.probe()
    await clock.advance(400)
    expect(await asking).toMatchObject({ ok: true })
    const asked = driver.count('probe')
    await clock.advance(1000)
    expect(driver.count('probe')).toBe(asked)
    expect(times.far).toBe(true)
    prober.stop()
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

  test('a question that missed its deadline stays asked, and its late answer counts', async () => {
    const { clock, driver, prober } = probing()
    await prober.probe()
    driver.next('probe', { afterMs: 150 })
    driver.next('openProbe', 'hang')
    const first = prober.probe()
    await clock.advance(101)
    expect(await first).toMatchObject({ ok: false, timedOut: true })
    const second = prober.probe()
    await clock.advance(50)
    expect(await second).toMatchObject({ ok: true })
    expect(driver.count('probe')).toBe(2)
    expect(driver.count('openProbe')).toBe(2)
    prober.stop()
  })

  test('after silence asks over a fresh connection too, and keeps whichever answers', async () => {
    const { clock, driver, prober } = probing()
    await prober.probe()
    driver.next('probe', 'hang')
    const first = prober.probe()
    await clock.advance(101)
    await first
    expect(await prober.probe()).toMatchObject({ ok: true })
    expect(driver.count('openProbe')).toBe(2)
    expect(driver.callsOf('destroyProbe')).toHaveLength(1)
    expect(await prober.probe()).toMatchObject({ ok: true })
    expect(driver.count('openProbe')).toBe(2)
    prober.stop()
  })

  test('bears with a server that answers late, until it has answered in time for a while', async () => {
    const { clock, driver, prober } = probing()
    await prober.probe()
    driver.next('probe', { afterMs: 150 })
    driver.next('openProbe', 'hang')
    const missed = prober.probe()
    await clock.advance(101)
    await missed
    const late = prober.probe()
    await clock.advance(60)
    expect(await late).toMatchObject({ ok: true })
    driver.next('probe', { afterMs: 190 })
    const slow = prober.probe()
    await clock.advance(191)
    expect(await slow).toMatchObject({ ok: true })
    for (let i = 0; i < 100; i += 1) await prober.probe()
    driver.next('probe', { afterMs: 190 })
    const again = prober.probe()
    await clock.advance(101)
    expect(await again).toMatchObject({ ok: false, timedOut: true })
    prober.stop()
  })

  test('bad credentials of the fresh connection say nothing of the session that is kept', async () => {
    const { clock, driver, prober } = probing()
    await prober.probe()
    driver.next('probe', { afterMs: 150 })
    driver.next('openProbe', { fail: 'setup' })
    const first = prober.probe()
    await clock.advance(101)
    await first
    const second = prober.probe()
    await clock.advance(50)
    expect(await second).toMatchObject({ ok: true })
    prober.stop()
  })

  test('tries anew when opening a connection takes too long, and leaves none behind', async () => {
    const { clock, driver, prober } = probing(plain)
    driver.next('connect', { afterMs: 300, ignoreAbort: true })
    const asking = prober.probe()
    await clock.advance(201)
    expect(await asking).toMatchObject({ ok: false, timedOut: true })
    expect(await prober.probe()).toMatchObject({ ok: true })
    await clock.advance(200)
    expect(driver.connections).toHaveLength(2)
    prober.stop()
    expect(driver.open).toEqual([])
  })

  test('what is forgotten is asked over a new connection', async () => {
    const { clock, driver, prober } = probing()
    await prober.probe()
    driver.next('probe', 'hang')
    const asking = prober.probe()
    await clock.advance(101)
    await asking
    prober.forget()
    expect(driver.callsOf('destroyProbe')).toHaveLength(1)
    expect(await prober.probe()).toMatchObject({ ok: true })
    expect(driver.count('openProbe')).toBe(2)
    prober.stop()
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
    const { driver, prober, signals } = probing(plain)
    await prober.probe()
    driver.connections[0]?.signal('shutdown')
    expect(signals.map((each) => each.kind)).toEqual(['shutdown'])
    prober.stop()
    driver.connections[0]?.signal('shutdown')
    expect(signals).toHaveLength(1)
  })
})
