import { close, type Harness, manage, replicated } from '../../test/harness.js'

let h: Harness
afterEach(async () => {
  await close(h)
  expect(h.clock.pendingTimers).toBe(0)
})

async function endpointOf(target: 'primary' | 'standby' | 'prefer-standby' = 'primary') {
  const lease = await h.manager.acquire({ target })
  lease.release()
  return lease.endpoint.id
}

const stateOf = (id: string) =>
  h.manager.getFailoverStatus().endpoints.find((each) => each.id === id)?.state

describe('quarantine', () => {
  test('takes a standby out of service, lets its readers finish, and keeps it out until it is released', async () => {
    h = replicated()
    const reading = await h.manager.acquire({ target: 'standby' })
    await h.manager.quarantine('b', 'disk is being replaced')
    expect(stateOf('b')).toBe('QUARANTINED')
    await reading.connection.query('select')
    reading.release()
    await h.clock.settle()
    expect(h.driver.server('b').connections).toEqual([])
    await h.clock.advance(120_000)
    expect(stateOf('b')).toBe('QUARANTINED')
    expect(await endpointOf('prefer-standby')).toBe('a')
    expect(h.of('endpointStateChanged').at(-1)).toMatchObject({
      endpoint: 'b',
      to: 'QUARANTINED',
      reason: 'disk is being replaced',
    })
    await h.manager.unquarantine('b')
    expect(stateOf('b')).toBe('UP')
    expect(await endpointOf('prefer-standby')).toBe('b')
  })

  test('of the writer has another take over once it is promoted, and the first is not used again by itself', async () => {
    h = replicated()
    expect(await endpointOf()).toBe('a')
    await h.manager.quarantine('a:5432')
    expect(h.manager.getFailoverStatus()).toMatchObject({
      state: 'FAILING_OVER',
      activeEndpoint: undefined,
    })
    const waiting = h.manager.acquire()
    h.driver.server('b').promote()
    await h.clock.advance(300)
    const lease = await waiting
    expect(lease.endpoint.id).toBe('b')
    lease.release()
    await h.clock.advance(120_000)
    expect(await endpointOf()).toBe('b')
    expect(h.of('endpointStateChanged').filter((event) => event.to === 'FENCED')).toEqual([])
  })

  test('in ordered mode has the next one serve', async () => {
    h = manage({ endpoints: ['a', 'b'], healthMonitoring: true, failover: { mode: 'ordered' } })
    expect(await endpointOf()).toBe('a')
    await h.manager.quarantine('a')
    expect(await endpointOf()).toBe('b')
    await h.manager.unquarantine('a')
    expect(await endpointOf()).toBe('a')
  })

  test('ends what hangs there once the server is known to be silent', async () => {
    h = replicated()
    const reading = await h.manager.acquire({ target: 'standby' })
    await h.manager.quarantine('b')
    h.driver.server('b').hang()
    const hanging = reading.connection.query('select')
    hanging.catch(() => {})
    await h.clock.advance(2000)
    await expect(hanging).rejects.toBeDefined()
    reading.release()
  })

  test('is lifted by reset, too', async () => {
    h = replicated()
    expect(await endpointOf()).toBe('a')
    await h.manager.quarantine('b')
    await h.manager.reset()
    await h.clock.advance(60_000)
    expect(stateOf('b')).toBe('UP')
  })

  test('of an unknown endpoint, or of the only one, is refused; releasing one that is in service does nothing', async () => {
    h = replicated()
    await expect(h.manager.quarantine('z')).rejects.toMatchObject({
      code: 'CONNMGR_FAILOVER_FAILED',
      message: expect.stringContaining('there are a, b'),
    })
    await h.manager.unquarantine('b')
    expect(stateOf('b')).toBe('UP')
    await close(h)
    h = manage()
    await expect(h.manager.quarantine('a')).rejects.toMatchObject({
      code: 'CONNMGR_FAILOVER_FAILED',
    })
  })
})

describe('splitBrain', () => {
  const divide = (): void => {
    h.driver.server('b').role = 'primary'
    h.driver.server('b').writable = true
    h.driver.server('b').startedAt = 'another moment'
  }

  test('refuse: neither of two primaries with equal claims is written to', async () => {
    h = replicated({ failover: { splitBrain: 'refuse' } })
    expect(await endpointOf()).toBe('a')
    divide()
    await h.clock.advance(1000)
    expect(h.manager.getFailoverStatus()).toMatchObject({
      state: 'SPLIT_BRAIN',
      activeEndpoint: undefined,
    })
  })

  test('stay: the one that is written to goes on; from a start that one is unknown', async () => {
    h = replicated({ failover: { splitBrain: 'stay' } })
    expect(await endpointOf()).toBe('a')
    divide()
    await h.clock.advance(1000)
    expect(await endpointOf()).toBe('a')
    expect(h.manager.getFailoverStatus().state).toBe('STEADY')
    await close(h)
    h = replicated({
      failover: { splitBrain: 'stay' },
      prepare: (driver) => {
        driver.server('b').role = 'primary'
        driver.server('b').writable = true
        driver.server('b').startedAt = 'another moment'
      },
    })
    await h.manager.start()
    expect(h.manager.getFailoverStatus().state).toBe('SPLIT_BRAIN')
  })
})

describe('a server that has come back', () => {
  test('is not stormed: its connections are opened over rampMs, the first at once', async () => {
    h = replicated({ poolSize: 20, maxOverflow: 0, connectConcurrency: 20, rampMs: 2000 })
    expect(await endpointOf()).toBe('a')
    h.driver.always('connect', { afterMs: 5 })
    h.driver.always('query', { afterMs: 1000 })
    h.driver.server('a').crash()
    await h.clock.advance(1000)
    const work = Array.from({ length: 60 }, () => h.manager.use((c) => c.query('select')))
    h.driver.server('a').start()
    const before = h.driver.count('connect')
    const connects: number[] = []
    for (let i = 0; i < 40; i += 1) {
      await h.clock.advance(100)
      connects.push(h.driver.count('connect') - before)
    }
    expect(connects[1]).toBeGreaterThan(0)
    expect(Math.max(...connects.slice(2).map((n, i) => n - (connects[i] as number)))).toBeLessThan(
      6,
    )
    expect(connects.at(-1)).toBe(20)
    await h.clock.advance(5000)
    await Promise.all(work)
  })

  test('with rampMs: 0 is asked for all at once, within connectConcurrency', async () => {
    h = replicated({ poolSize: 20, maxOverflow: 0, connectConcurrency: 20, rampMs: 0 })
    expect(await endpointOf()).toBe('a')
    h.driver.server('a').crash()
    await h.clock.advance(1000)
    const work = Array.from({ length: 20 }, () => h.manager.acquire())
    h.driver.server('a').start()
    await h.clock.advance(150)
    for (const each of work) (await each).release()
  })
})
