import { expectLater } from '../../test/harness.js'
import { lonePool } from '../../test/lone-pool.js'

describe('a static pool under failover', () => {
  const create = () => lonePool({ poolMode: 'static' })

  test('callers wait while it is suspended, even for a connection that is there', async () => {
    const { clock, driver, pool, acquire } = create()
    ;(await acquire()).release()
    pool.serverChanged({ serving: false })
    const waiting = acquire()
    await clock.settle()
    expect(pool.counts).toMatchObject({ total: 1, inUse: 0, waiting: 1 })
    pool.serverChanged({ serving: true })
    ;(await waiting).release()
    expect(pool.counts.waiting).toBe(0)
    expect(driver.count('connect')).toBe(1)
    await pool.close(0)
  })

  test('nothing is opened while it is suspended', async () => {
    const { clock, driver, pool, acquire } = create()
    pool.serverChanged({ serving: false })
    const waiting = acquire()
    await clock.advance(1000)
    expect(driver.count('connect')).toBe(0)
    pool.serverChanged({ serving: true })
    ;(await waiting).release()
    await pool.close(0)
  })

  test('destroyAll takes the connection from its holders, who are no holders any more', async () => {
    const { driver, pool, acquire } = create()
    const lease = await acquire()
    pool.destroyAll('it is DOWN')
    expect(driver.open).toEqual([])
    expect(pool.leases.holders()).toEqual([])
    lease.release()
    expect(pool.leases.totals).toMatchObject({ checkouts: 1, returned: 1, created: 1, closed: 1 })
    await pool.close(0)
  })

  test('destroyAll gives up an attempt under way; those who wait get the next once it resumes', async () => {
    const { clock, driver, pool, acquire } = create()
    driver.next('connect', 'hang')
    const waiting = acquire()
    await clock.settle()
    pool.serverChanged({ serving: false })
    pool.destroyAll('it is DOWN')
    await clock.settle()
    expect(driver.connecting).toBe(0)
    pool.serverChanged({ serving: true })
    const lease = await waiting
    expect(driver.count('connect')).toBe(2)
    lease.release()
    await pool.close(0)
  })

  test('retryNow does not wait for the end of the pause after a failure', async () => {
    const { clock, driver, pool, acquire } = create()
    driver.next('connect', { fail: 'unreachable' })
    const waiting = acquire()
    await clock.settle()
    expect(driver.count('connect')).toBe(1)
    pool.serverChanged({ condition: 'open' })
    ;(await waiting).release()
    expect(clock.now()).toBe(0)
    await pool.close(0)
  })

  test('callers can be moved elsewhere, and one who is moved to a closed pool is refused', async () => {
    const { driver, pool, acquire } = create()
    driver.always('connect', 'hang')
    const moving = expectLater(acquire())
    const [waiter] = pool.queue.extract(() => true)
    expect(pool.counts.waiting).toBe(0)
    await pool.close(0)
    if (waiter !== undefined) pool.queue.enqueue(waiter)
    await expect(moving).rejects.toMatchObject({ code: 'CONNMGR_POOL_CLOSED' })
  })

  test('a suspected connection is asked before it is lent again', async () => {
    const { driver, pool, acquire } = create()
    ;(await acquire()).release()
    pool.suspectAll()
    const lease = await acquire()
    expect(lease.connection).toBe(driver.connections[0])
    expect(driver.count('validate')).toBe(1)
    lease.release()
    await pool.close(0)
  })

  test('serves the waiters of an attempt that was cut off by another one', async () => {
    const { clock, driver, pool, acquire } = create()
    driver.next('connect', 'hang')
    const waiting = acquire()
    await clock.settle()
    pool.destroyAll('the endpoint is down')
    await clock.settle()
    ;(await waiting).release()
    await pool.close(0)
  })

  test.each(Array.from({ length: 16 }, (_, turn) => turn))(
    'leaves nothing open when closed %i turns after the first acquire',
    async (turns) => {
      const { clock, driver, pool, acquire } = create()
      expectLater(acquire())
      for (let turn = 0; turn < turns; turn += 1) await undefined
      const closing = pool.close(100)
      await clock.advance(2000)
      await closing
      expect(driver.open).toHaveLength(0)
    },
  )

  test('the connection is in use or idle, not both', async () => {
    const { pool, acquire } = create()
    const lease = await acquire()
    expect(pool.counts).toMatchObject({ total: 1, idle: 0, inUse: 1 })
    lease.release()
    expect(pool.counts).toMatchObject({ total: 1, idle: 1, inUse: 0 })
    await pool.close(0)
  })

  test('warmUp waits like any caller of any target, under its own name', async () => {
    const { pool } = create()
    pool.serverChanged({ serving: false })
    const warming = pool.warmUp()
    const waiters = pool.queue.extract(({ target, owner }) => {
      return target === 'any' && owner.label === 'warmUp'
    })
    expect(waiters).toHaveLength(1)
    for (const waiter of waiters) pool.queue.enqueue(waiter)
    pool.serverChanged({ serving: true })
    await warming
    await pool.close(0)
  })

  test('what was evicted and comes back broken is closed as lost', async () => {
    const { pool, acquire, of } = create()
    const lease = await acquire()
    pool.evict(lease.connectionId)
    lease.connection.condition = 'broken'
    lease.release()
    expect(of('connectionClosed')).toMatchObject([{ reason: 'lost' }])
    await pool.close(0)
  })

  test('the loss of a connection that was replaced already spares its successor', async () => {
    const { pool, acquire } = create()
    const old = await acquire()
    const { connection } = old
    old.destroy()
    const current = await acquire()
    connection.lose()
    expect(current.connection.open).toBe(true)
    current.release()
    await pool.close(0)
  })

  test('a caller learns what became of its lease when it tries to detach', async () => {
    const { pool, acquire } = create()
    const lease = await acquire()
    expect(() => lease.detach()).toThrow(
      "the only connection of a pool with poolMode 'static' cannot be detached; the lease was released instead",
    )
    await pool.close(0)
  })
})
