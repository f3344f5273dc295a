import { closeLone, lonePool } from '../../test/lone-pool.js'

describe('what is said of a lease', () => {
  test('when it began, for how long it has been held, and nothing of the lease before', async () => {
    const lone = lonePool({ leakDetection: false })
    const earlier = await lone.acquire()
    await earlier.connection.query('select 1')
    earlier.release()
    await lone.clock.advance(100)
    const lease = await lone.acquire()
    const began = new Date(lone.clock.wallTime())
    await lone.clock.advance(50)
    const silent = {
      leaseId: lease.id,
      connectionId: lease.connectionId,
      endpoint: 'a',
      checkedOutAt: began,
      heldForMs: 50,
      checkedOutBy: undefined,
      stack: undefined,
      lastQuery: undefined,
      queryCount: 0,
    }
    const [report] = lone.pool.leases.holders()
    expect(report).toEqual(silent)
    expect(report).not.toHaveProperty('label')
    await lease.connection.query('select 2')
    await lease.connection.query('select 3')
    expect(lone.pool.leases.holders()).toEqual([
      { ...silent, lastQuery: 'select 3', queryCount: 2 },
    ])
    lease.release()
    await closeLone(lone)
  })

  test('a driver that keeps no count of statements has none to tell', async () => {
    const lone = lonePool()
    Object.defineProperty(lone.driver, 'activity', { value: undefined })
    const lease = await lone.acquire()
    await lease.connection.query('select 1')
    expect(lone.pool.leases.holders()).toMatchObject([{ lastQuery: undefined, queryCount: 0 }])
    lease.release()
    await closeLone(lone)
  })

  test('holders and leaks are listed by age, whatever the age of their connections', async () => {
    const lone = lonePool({ poolSize: 2, leakDetection: { thresholdMs: 100 } })
    const [older, younger] = await Promise.all([lone.acquire(), lone.acquire({ label: 'first' })])
    older.release()
    await lone.clock.advance(60)
    const again = await lone.acquire({ label: 'second' })
    await lone.clock.advance(40)
    expect(lone.pool.leases.holders().map((each) => each.label)).toEqual(['first', 'second'])
    expect(lone.pool.leases.leaked().map((each) => each.label)).toEqual(['first'])
    await lone.clock.advance(60)
    expect(lone.pool.leases.leaked().map((each) => each.label)).toEqual(['first', 'second'])
    again.release()
    younger.release()
    expect(lone.pool.leases.leaked()).toEqual([])
    await closeLone(lone)
  })

  test('a leak is reported, and its end too, with all there is to know', async () => {
    const lone = lonePool({ leakDetection: { thresholdMs: 1000 } })
    const lease = await lone.acquire({ label: 'forgetful' })
    await lone.clock.advance(1000)
    lone.pool.maintain()
    const about = { pool: 'p', endpoint: 'a', connectionId: lease.connectionId }
    const [detected] = lone.of('leakDetected')
    expect(detected).toEqual({
      type: 'leakDetected',
      ...about,
      durationMs: 1000,
      lease: expect.objectContaining({ leaseId: lease.id, label: 'forgetful' }),
      reclaimed: false,
    })
    expect(lease.connection.open).toBe(true)
    await lone.clock.advance(500)
    lease.release()
    expect(lone.of('leakResolved')).toEqual([
      {
        type: 'leakResolved',
        ...about,
        durationMs: 1500,
        lease: expect.objectContaining({ leaseId: lease.id, heldForMs: 1500 }),
      },
    ])
    await closeLone(lone)
  })

  test('a leak whose connection is reclaimed is over: its holder has nothing to give back', async () => {
    const lone = lonePool({ leakDetection: { thresholdMs: 1000, reclaim: true } })
    const lease = await lone.acquire()
    await lone.clock.advance(1000)
    lone.pool.maintain()
    expect(lone.of('leakDetected')).toMatchObject([{ reclaimed: true }])
    expect(lone.of('connectionClosed')).toMatchObject([{ reason: 'leaked' }])
    expect(lone.pool.leases.leakCounts).toEqual({ detected: 1, active: 0 })
    lease.release()
    expect(lone.pool.leases.totals).toMatchObject({ returned: 1, closed: 1 })
    expect(lone.of('leakResolved')).toEqual([])
    await closeLone(lone)
  })
})
