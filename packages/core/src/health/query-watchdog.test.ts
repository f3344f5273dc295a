import { close, expectLater, type Harness, manage } from '../../test/harness.js'

let h: Harness
afterEach(async () => {
  await close(h)
  expect(h.clock.pendingTimers).toBe(0)
})

describe('statements that run for longer than queryTimeoutMs', () => {
  test('are ended with their connection, and no other', async () => {
    h = manage({ endpoints: ['a', 'b'], healthMonitoring: true, queryTimeoutMs: 1000 })
    const [slow, quick] = await Promise.all([h.manager.acquire(), h.manager.acquire()])
    h.driver.next('query', 'hang')
    const hanging = expectLater(slow.connection.query('select pg_sleep(1000)'))
    const { connection } = quick
    await h.clock.advance(900)
    expect(await h.outcome(hanging)).toBe('pending')
    await h.clock.advance(400)
    await expect(hanging).rejects.toBeDefined()
    expect(connection.open).toBe(true)
    expect(h.of('queryTimedOut')).toMatchObject([
      { endpoint: 'a', connectionId: slow.connectionId, query: 'select pg_sleep(1000)' },
    ])
    expect(h.of('connectionClosed')).toMatchObject([
      { reason: 'query-timeout', error: { code: 'CONNMGR_QUERY_TIMEOUT' } },
    ])
    expect(h.of('endpointStateChanged').map((event) => event.to)).not.toContain('SUSPECT')
    slow.release()
    quick.release()
    expect(h.manager.getPoolMetrics()).toMatchObject({ checkedOut: 0 })
  })

  test('are distinguished from many short ones in a row', async () => {
    h = manage({ queryTimeoutMs: 1000 })
    const lease = await h.manager.acquire()
    h.driver.always('query', { afterMs: 90 })
    for (let i = 0; i < 40; i += 1) {
      const running = lease.connection.query('select')
      await h.clock.advance(100)
      await running
    }
    expect(h.of('queryTimedOut')).toEqual([])
    lease.release()
  })

  test('on a server that answers nothing wait for the verdict, and are rejected with it', async () => {
    h = manage({
      endpoints: ['a', 'b'],
      healthMonitoring: true,
      queryTimeoutMs: 200,
      failover: { probeIntervalMs: 60_000 },
    })
    const lease = await h.manager.acquire()
    await h.clock.advance(1000)
    h.driver.server('a').hang()
    const hanging = expectLater(lease.connection.query('select'))
    await h.clock.advance(900)
    await expect(hanging).rejects.toBeDefined()
    expect(h.of('queryTimedOut')).toEqual([])
    expect(h.of('endpointStateChanged')).toContainEqual(
      expect.objectContaining({ endpoint: 'a', to: 'DOWN' }),
    )
    lease.release()
  })

  test('do not count time in which this process stood still', async () => {
    h = manage({ queryTimeoutMs: 1000 })
    const lease = await h.manager.acquire()
    h.driver.next('query', { afterMs: 5500 })
    const running = lease.connection.query('select')
    await h.clock.advance(400)
    h.clock.stall(5000)
    await h.clock.advance(200)
    await running
    expect(h.of('queryTimedOut')).toEqual([])
    lease.release()
  })

  test('on the connection of a static pool end with it', async () => {
    h = manage({ poolMode: 'static', queryTimeoutMs: 100 })
    const lease = await h.manager.acquire()
    h.driver.next('query', 'hang')
    const hanging = expectLater(lease.connection.query('select'))
    await h.clock.advance(200)
    await expect(hanging).rejects.toBeDefined()
    lease.release()
    const next = await h.manager.acquire()
    expect(next.connectionId).not.toBe(lease.connectionId)
    next.release()
  })

  test('may run for ever by default, and no timer looks at them', async () => {
    h = manage()
    const lease = await h.manager.acquire()
    h.driver.next('query', { afterMs: 10_000_000 })
    const running = lease.connection.query('select')
    await h.clock.advance(10_000_001)
    await running
    lease.release()
  })
})
