import { close, expectLater, type Harness, manage, replicated } from '../../test/harness.js'

const statusOf = ({ manager }: Harness): [string, boolean] => {
  const { status, healthy } = manager.getHealthStatus()
  return [status, healthy]
}

const one = (options: Parameters<typeof manage>[0] = {}): Harness =>
  manage({ healthMonitoring: true, ...options })

describe('the status of a manager', () => {
  test('is starting until it has connected, and monitoring starts with it', async () => {
    for (const make of [one, replicated]) {
      const h = make()
      expect(statusOf(h)).toEqual(['starting', false])
      expect(h.manager.getHealthStatus().reason).toContain('has not answered yet')
      await h.clock.advance(3000)
      expect(statusOf(h)).toEqual(['healthy', true])
      expect(h.manager.getHealthStatus().reason).toBeUndefined()
      await close(h)
      expect(statusOf(h)).toEqual(['closed', false])
    }
  })

  test.each([true, false])(
    'is unhealthy at once if the login is refused, with healthMonitoring %s',
    async (healthMonitoring) => {
      const h = one({ healthMonitoring })
      h.driver.server('a').state = 'denied'
      if (!healthMonitoring) expectLater(h.manager.acquire())
      await h.clock.advance(10)
      expect(statusOf(h)).toEqual(['unhealthy', false])
      expect(h.manager.getHealthStatus().reason).toMatch(/^the database refused the login: /)
      await close(h)
    },
  )

  test('is unhealthy once the start has taken too long, and healthy as soon as it has worked', async () => {
    const h = one()
    h.driver.server('a').state = 'down'
    await h.clock.advance(9000)
    expect(statusOf(h)).toEqual(['starting', false])
    await h.clock.advance(1001)
    expect(statusOf(h)).toEqual(['unhealthy', false])
    h.driver.server('a').start()
    await h.manager.checkHealth()
    expect(statusOf(h)).toEqual(['healthy', true])
    await close(h)
  })

  test('does not show one session that was ended, nor an outage shorter than unhealthyAfterMs', async () => {
    const h = one()
    ;(await h.manager.acquire()).release()
    await h.clock.advance(1000)
    const seen = new Set<string>()
    h.manager.onAny(() => seen.add(h.manager.getHealthStatus().status))
    h.driver.open[0]?.lose()
    await h.clock.advance(2000)
    h.driver.server('a').crash()
    for (let waited = 0; waited < 4000; waited += 100) {
      await h.clock.advance(100)
      seen.add(h.manager.getHealthStatus().status)
    }
    h.driver.server('a').start()
    await h.manager.checkHealth()
    await h.clock.advance(10_000)
    seen.add(h.manager.getHealthStatus().status)
    expect([...seen]).toEqual(['healthy'])
    await close(h)
  })

  test('turns when an outage has lasted, and back when its end has', async () => {
    const h = one({ healthMonitoring: { unhealthyAfterMs: 3000, healthyAfterMs: 2000 } })
    await h.clock.advance(1000)
    h.driver.server('a').crash()
    await h.manager.checkHealth()
    await h.manager.checkHealth()
    await h.clock.advance(2900)
    expect(statusOf(h)).toEqual(['healthy', true])
    await h.clock.advance(200)
    expect(statusOf(h)).toEqual(['unhealthy', false])
    expect(h.manager.getHealthStatus().reason).toMatch(/^the database cannot be reached: /)
    h.driver.server('a').start()
    await h.manager.checkHealth()
    await h.clock.advance(1900)
    expect(statusOf(h)).toEqual(['unhealthy', false])
    await h.clock.advance(200)
    expect(statusOf(h)).toEqual(['healthy', true])
    await close(h)
  })

  test('is degraded while another server is out of service', async () => {
    const h = replicated()
    await h.clock.advance(3000)
    h.driver.server('b').crash()
    await h.clock.advance(10_000)
    expect(statusOf(h)).toEqual(['degraded', true])
    expect(h.manager.getHealthStatus().reason).toMatch(/^b cannot be reached/)
    h.driver.server('a').crash()
    await h.clock.advance(10_000)
    expect(statusOf(h)).toEqual(['unhealthy', false])
    expect(h.manager.getHealthStatus().reason).toMatch(/^no server takes writes: a cannot be/)
    await close(h)
  })
})

describe('what the status knows beside its delays', () => {
  const unusableForMs = ({ manager }: Harness) => manager.getHealthStatus().unusableForMs

  test('unusableForMs shows trouble and its end at once, and counts from its beginning', async () => {
    const h = one()
    h.driver.server('a').state = 'down'
    await h.clock.advance(700)
    expect(unusableForMs(h)).toBe(700)
    h.driver.server('a').start()
    await h.clock.advance(20_000)
    expect(unusableForMs(h)).toBeUndefined()
    h.driver.server('a').crash()
    await h.manager.checkHealth()
    await h.clock.advance(1500)
    expect(statusOf(h)).toEqual(['healthy', true])
    expect(unusableForMs(h)).toBe(1500)
    h.driver.server('a').start()
    await h.manager.checkHealth()
    expect(unusableForMs(h)).toBeUndefined()
    await close(h)
    expect(unusableForMs(h)).toBeUndefined()
  })

  test('monitored follows the option and the operator, and stays true in a pause', async () => {
    const monitored = ({ manager }: Harness) => manager.getHealthStatus().monitored
    const off = manage()
    expect(monitored(off)).toBe(false)
    ;(await off.manager.acquire()).release()
    expect(monitored(off)).toBe(false)
    await off.manager.startHealthMonitoring()
    expect(monitored(off)).toBe(true)
    off.manager.stopHealthMonitoring()
    expect(monitored(off)).toBe(false)
    await close(off)
    const resting = one({ healthMonitoring: { restAfterMs: 1000 } })
    expect(monitored(resting)).toBe(true)
    await resting.clock.advance(10_000)
    expect(resting.manager.getHealthStatus()).toMatchObject({ resting: true, monitored: true })
    await close(resting)
    const several = replicated({ healthMonitoring: false })
    expect(monitored(several)).toBe(true)
    await close(several)
  })

  test('readOnly tells a standby, and a primary that is set to read-only', async () => {
    const h = replicated()
    const readOnly = () =>
      h.manager.getFailoverStatus().endpoints.map((each) => [each.id, each.role, each.readOnly])
    await h.clock.advance(3000)
    expect(readOnly()).toEqual([
      ['a', 'primary', false],
      ['b', 'standby', true],
    ])
    h.driver.server('a').writable = false
    await h.manager.checkHealth()
    expect(readOnly()[0]).toEqual(['a', 'primary', true])
    await close(h)
  })
})

describe('ready', () => {
  test('resolves when the server can be used, and at once from then on', async () => {
    for (const h of [one(), manage(), replicated()]) {
      const ready = h.manager.ready()
      await h.clock.advance(3000)
      await ready
      await h.manager.ready({ timeoutMs: 0 })
      await close(h)
    }
  })

  test('waits for a server that comes up late, for as long as its caller wants', async () => {
    const h = one()
    h.driver.server('a').state = 'down'
    const ready = h.manager.ready({ timeoutMs: 60_000 })
    await h.clock.advance(50_000)
    h.driver.server('a').start()
    await h.clock.advance(3000)
    await ready
    await close(h)
  })

  test.each([
    ['one server', ['a']],
    ['several', ['a', 'b']],
  ])('rejects with what %s said after timeoutMs', async (_name, endpoints) => {
    const h = manage({ endpoints })
    for (const each of endpoints) h.driver.server(each).state = 'starting'
    const ready = expectLater(h.manager.ready({ timeoutMs: 2000 }))
    await h.clock.advance(2002)
    await expect(ready).rejects.toMatchObject({
      code: 'CONNMGR_ACQUIRE_TIMEOUT',
      cause: { message: expect.any(String) },
    })
    await close(h)
  })

  test.each([
    ['one server', ['a']],
    ['several', ['a', 'b']],
  ])('rejects at once if %s can never let us in', async (_name, endpoints) => {
    const h = manage({ endpoints })
    for (const each of endpoints) h.driver.server(each).state = 'denied'
    const ready = expectLater(h.manager.ready({ timeoutMs: 600_000 }))
    await h.clock.advance(100)
    await expect(ready).rejects.toMatchObject({ code: 'CONNMGR_CONNECT_FAILED' })
    await close(h)
  })

  test('ends with its signal, and with its manager', async () => {
    const h = one()
    h.driver.server('a').hang()
    const controller = new AbortController()
    const aborted = expectLater(h.manager.ready({ signal: controller.signal }))
    controller.abort(new Error('enough'))
    await expect(aborted).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_ABORTED' })
    await close(h)
    await expect(h.manager.ready()).rejects.toMatchObject({ code: 'CONNMGR_POOL_CLOSED' })
    await expect(h.manager.ready({ timeoutMS: 1 } as object)).rejects.toMatchObject({
      code: 'CONNMGR_INVALID_OPTION',
    })
  })
})
