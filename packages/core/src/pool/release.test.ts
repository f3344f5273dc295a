import { close, type Harness, manage } from '../../test/harness.js'
import { closeLone, lonePool } from '../../test/lone-pool.js'

describe('release', () => {
  let h: Harness
  afterEach(() => close(h))

  test('a second release does nothing but report', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0 })
    const first = await h.manager.acquire()
    first.release()
    const second = await h.manager.acquire()
    first.release()
    expect(second.active).toBe(true)
    expect(h.manager.getPoolMetrics().checkedOut).toBe(1)
    expect(h.of('leaseMisused')).toMatchObject([{ leaseId: first.id, reason: 'released-twice' }])
    second.release()
  })

  test('use after release is an error that names the release', async () => {
    h = manage()
    const lease = await h.manager.acquire()
    lease.release()
    expect(() => lease.connection).toThrow(
      expect.objectContaining({
        code: 'CONNMGR_LEASE_RELEASED',
        message: expect.stringContaining('released'),
      }),
    )
  })

  test('an open transaction is rolled back before the connection is lent on, and its borrower reported', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0, leakDetection: { captureStack: 'always' } })
    const first = await h.manager.acquire({ label: 'careless' })
    first.connection.condition = 'transaction'
    first.release()
    const second = await h.manager.acquire()
    expect(second.connectionId).toBe(first.connectionId)
    expect(second.connection.condition).toBe('clean')
    expect(h.driver.count('rollback')).toBe(1)
    expect([h.driver.count('settle'), h.driver.count('reset')]).toEqual([0, 0])
    expect(h.of('connectionDirty')).toMatchObject([
      { reason: 'transaction', lease: { label: 'careless' } },
    ])
    second.release()
  })

  test('a connection that cannot be rolled back is destroyed and its slot is free', async () => {
    h = manage({
      poolSize: 1,
      maxOverflow: 0,
      prepare: (driver) => driver.always('rollback', { fail: 'statement' }),
    })
    const first = await h.manager.acquire()
    first.connection.condition = 'transaction'
    first.release()
    const second = await h.manager.acquire()
    expect(second.connectionId).not.toBe(first.connectionId)
    expect(h.of('connectionClosed')).toMatchObject([{ reason: 'dirty' }])
    second.release()
  })

  test('a statement still running is allowed to finish', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0 })
    const first = await h.manager.acquire()
    const { connection } = first
    h.driver.next('query', { afterMs: 50 })
    const running = connection.query('insert')
    first.release()
    const waiting = h.manager.acquire()
    expect(await h.outcome(waiting)).toBe('pending')
    await h.clock.advance(60)
    const second = await waiting
    expect(second.connectionId).toBe(first.connectionId)
    await running
    expect(h.of('connectionDirty')).toEqual([])
    second.release()
  })

  test('a statement that does not finish within resetTimeoutMs costs the connection', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0, resetTimeoutMs: 200 })
    const first = await h.manager.acquire()
    h.driver.next('settle', 'hang')
    first.connection.condition = 'busy'
    first.release()
    const waiting = h.manager.acquire()
    await h.clock.advance(250)
    expect((await waiting).connectionId).not.toBe(first.connectionId)
    expect(h.of('connectionDirty')).toMatchObject([{ reason: 'busy' }])
    ;(await waiting).release()
  })

  test.each(['reset-all', 'discard-all'] as const)(
    'reset policy %s cleans the session between borrowers',
    async (reset) => {
      h = manage({ poolSize: 1, maxOverflow: 0, reset })
      const first = await h.manager.acquire()
      await first.connection.query('set colour to red')
      first.release()
      const second = await h.manager.acquire()
      expect(second.connectionId).toBe(first.connectionId)
      expect(h.driver.callsOf('reset')).toMatchObject([{ detail: reset }])
      second.release()
    },
  )

  test.each([
    ['reset-all', 3],
    ['discard-all', 3],
    ['none', 1],
  ] as const)('after reset policy %s what onConnect has set is set again', async (reset, times) => {
    let set = 0
    h = manage({
      poolSize: 1,
      maxOverflow: 0,
      reset,
      onConnect: () => {
        set += 1
      },
    })
    for (let i = 0; i < 2; i += 1) (await h.manager.acquire()).release()
    await h.clock.settle()
    expect(set).toBe(times)
  })

  test('a reset function runs, and destroys the connection if it throws', async () => {
    const seen: number[] = []
    h = manage({
      poolSize: 1,
      maxOverflow: 0,
      reset: async (connection) => {
        seen.push(connection.id)
        if (seen.length === 2) throw new Error('cannot be reset')
      },
    })
    for (let i = 0; i < 3; i += 1) (await h.manager.acquire()).release()
    await h.clock.settle()
    expect(h.driver.count('connect')).toBe(2)
    expect(h.of('connectionClosed')).toMatchObject([
      { reason: 'dirty', error: { message: 'cannot be reset' } },
    ])
  })

  test('destroy closes the connection and frees its slot', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0 })
    const first = await h.manager.acquire()
    first.destroy(new Error('not trusted'))
    expect(h.of('connectionClosed')).toMatchObject([
      { reason: 'destroyed', error: { message: 'not trusted' } },
    ])
    ;(await h.manager.acquire()).release()
    expect(h.driver.count('connect')).toBe(2)
  })

  test('detach frees capacity for good and leaves the connection to the caller', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0 })
    const connection = (await h.manager.acquire()).detach()
    expect(connection.open).toBe(true)
    ;(await h.manager.acquire()).release()
    await close(h)
    expect(connection.open).toBe(true)
    h.driver.destroy(connection)
  })

  test('use gives the connection back whatever happens', async () => {
    h = manage()
    await expect(h.manager.use(async () => 'done')).resolves.toBe('done')
    await expect(
      h.manager.use(() => {
        throw new Error('sync')
      }),
    ).rejects.toThrow('sync')
    expect(h.manager.getPoolMetrics()).toMatchObject({ checkedOut: 0, totalCheckouts: 2 })
  })

  test('await using gives the connection back at the end of the block', async () => {
    h = manage()
    {
      await using lease = await h.manager.acquire()
      expect(lease.active).toBe(true)
      expect(h.manager.getPoolMetrics().checkedOut).toBe(1)
    }
    expect(h.manager.getPoolMetrics().checkedOut).toBe(0)
  })

  test('a lease that ended says how it ended, and cannot be detached', async () => {
    h = manage({ poolSize: 3 })
    const [released, destroyed, detached] = await Promise.all([
      h.manager.acquire(),
      h.manager.acquire(),
      h.manager.acquire(),
    ])
    released.release()
    destroyed.destroy()
    const connection = detached.detach()
    expect(() => released.detach()).toThrow(/released/)
    expect(() => destroyed.connection).toThrow(/destroyed/)
    expect(() => detached.connection).toThrow(/detached/)
    h.driver.destroy(connection)
  })

  test('a lease that was ended by hand is left alone at the end of its block', async () => {
    h = manage()
    {
      await using lease = await h.manager.acquire()
      lease.release()
    }
    expect(h.of('leaseMisused')).toEqual([])
  })

  test('destroying without a reason reports none', async () => {
    h = manage()
    ;(await h.manager.acquire()).destroy()
    expect(h.of('connectionClosed')[0]).not.toHaveProperty('error')
  })

  test('a second destroy is reported and closes nothing more', async () => {
    h = manage()
    const lease = await h.manager.acquire()
    lease.destroy()
    lease.destroy()
    expect(h.of('leaseMisused')).toHaveLength(1)
    expect(h.of('connectionClosed')).toHaveLength(1)
  })

  test('a connection that comes back broken makes room for those who wait', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0 })
    const first = await h.manager.acquire()
    first.connection.condition = 'broken'
    const waiting = h.manager.acquire()
    first.release()
    expect((await waiting).connectionId).not.toBe(first.connectionId)
    expect(h.of('connectionClosed')).toMatchObject([{ reason: 'lost' }])
    ;(await waiting).release()
  })

  test('destroy and detach make room for those who wait', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0 })
    const first = await h.manager.acquire()
    const waiting = h.manager.acquire()
    first.destroy()
    const second = await waiting
    const last = h.manager.acquire()
    const connection = second.detach()
    ;(await last).release()
    h.driver.destroy(connection)
    expect(h.driver.count('connect')).toBe(3)
  })
})

describe('release, of a pool by itself', () => {
  test('a lease knows its endpoint, label and connection', async () => {
    const lone = lonePool()
    const lease = await lone.acquire({ label: 'report' })
    expect(lease).toMatchObject({ endpoint: { id: 'a' }, label: 'report', epoch: 0 })
    expect(lease.connectionId).toBe(lone.of('connectionCreated')[0]?.connectionId)
    lease.release()
    await closeLone(lone)
  })

  test('the events of a lease tell whose it was and how long it took', async () => {
    const lone = lonePool({ poolSize: 1, maxOverflow: 0 })
    const first = await lone.acquire()
    await lone.clock.advance(10)
    const waiting = lone.acquire()
    await lone.clock.advance(30)
    first.release()
    const second = await waiting
    await lone.clock.advance(20)
    second.release()
    second.release()
    const about = { pool: 'p', endpoint: 'a', connectionId: first.connectionId }
    expect(lone.of('connectionAcquired')).toEqual([
      { type: 'connectionAcquired', ...about, leaseId: first.id, durationMs: 0 },
      { type: 'connectionAcquired', ...about, leaseId: second.id, durationMs: 30 },
    ])
    expect(lone.of('connectionReleased')).toEqual([
      { type: 'connectionReleased', ...about, leaseId: first.id, durationMs: 40 },
      { type: 'connectionReleased', ...about, leaseId: second.id, durationMs: 20 },
    ])
    expect(lone.of('leaseMisused')).toEqual([
      { type: 'leaseMisused', ...about, leaseId: second.id, reason: 'released-twice' },
    ])
    expect(lone.pool.leases.totals).toMatchObject({
      checkouts: 2,
      returned: 2,
      heldMs: 60,
      waitedMs: 30,
    })
    await closeLone(lone)
  })

  test('what cannot be kept is closed as it is, without being cleaned first', async () => {
    const lone = lonePool({ reset: 'reset-all', maxUses: 1 })
    const lease = await lone.acquire()
    lease.connection.condition = 'transaction'
    lease.release()
    expect(lone.of('connectionClosed')).toMatchObject([{ reason: 'uses' }])
    await lone.clock.settle()
    expect([lone.driver.count('reset'), lone.driver.count('rollback')]).toEqual([0, 0])
    await closeLone(lone)
  })

  test('a reset that hangs is cut off, and the connection closed with the reason', async () => {
    const lone = lonePool({ resetTimeoutMs: 200, reset: () => new Promise(() => {}) })
    const lease = await lone.acquire()
    lease.release()
    await lone.clock.advance(200)
    expect(lone.of('connectionClosed')).toMatchObject([
      {
        reason: 'dirty',
        error: {
          message: `connection ${lease.connectionId} could not be cleaned within resetTimeoutMs (200 ms)`,
        },
      },
    ])
    expect(lone.of('connectionDirty')).toEqual([])
    await closeLone(lone)
  })

  test('a driver that cannot roll back costs the connections left in a transaction', async () => {
    const lone = lonePool()
    Object.defineProperty(lone.driver, 'transactions', { value: undefined })
    const lease = await lone.acquire()
    lease.connection.condition = 'transaction'
    lease.release()
    await lone.clock.settle()
    const { connectionId } = lease
    expect(lone.of('connectionClosed')).toMatchObject([
      {
        reason: 'dirty',
        error: { message: `connection ${connectionId} is still transaction after its reset` },
      },
    ])
    expect(lone.of('connectionDirty')).toEqual([
      {
        type: 'connectionDirty',
        pool: 'p',
        endpoint: 'a',
        connectionId,
        reason: 'transaction',
        lease: expect.objectContaining({ leaseId: lease.id }),
      },
    ])
    await closeLone(lone)
  })

  test('a driver that can neither settle nor reset is not asked to', async () => {
    const lone = lonePool({ reset: 'reset-all' })
    Object.defineProperty(lone.driver, 'activity', { value: undefined })
    Object.defineProperty(lone.driver, 'session', { value: undefined })
    const first = await lone.acquire()
    first.release()
    await lone.clock.settle()
    expect(lone.pool.counts).toMatchObject({ total: 1, idle: 1 })
    const second = await lone.acquire()
    second.connection.condition = 'busy'
    second.release()
    await lone.clock.settle()
    expect(lone.of('connectionClosed')).toMatchObject([
      { reason: 'dirty', error: { message: expect.stringContaining('is still busy') } },
    ])
    await closeLone(lone)
  })

  test('a statement still running is allowed to finish, though the connection will not be kept', async () => {
    const lone = lonePool({ maxUses: 1 })
    const lease = await lone.acquire()
    const { connection } = lease
    lone.driver.next('query', { afterMs: 50 })
    const running = connection.query('insert')
    lease.release()
    const closing = lone.pool.close(1000)
    await lone.clock.advance(49)
    expect(connection.open).toBe(true)
    await lone.clock.advance(1)
    await running
    await closing
    expect(lone.server.rows).toBe(1)
    expect(connection.ended).toBe('closed')
  })
})

describe('transaction', () => {
  let h: Harness
  afterEach(() => close(h))

  test('commits what resolves and rolls back what rejects', async () => {
    h = manage()
    await expect(
      h.manager.transaction(async () => 1, { isolation: 'serializable', readOnly: true }),
    ).resolves.toBe(1)
    await expect(
      h.manager.transaction(async () => {
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect(h.driver.callsOf('begin')[0]?.detail).toMatchObject({
      isolation: 'serializable',
      readOnly: true,
    })
    expect([h.driver.count('commit'), h.driver.count('rollback')]).toEqual([1, 1])
    expect(h.of('connectionDirty')).toEqual([])
  })

  test('the error of the work wins over the error of the rollback', async () => {
    h = manage({ prepare: (driver) => driver.always('rollback', { fail: 'lost' }) })
    await expect(
      h.manager.transaction(async () => {
        throw new Error('the first')
      }),
    ).rejects.toThrow('the first')
    expect(h.driver.open).toEqual([])
  })

  test('a rollback that hangs does not hang the caller', async () => {
    h = manage({ resetTimeoutMs: 100, prepare: (driver) => driver.always('rollback', 'hang') })
    const failing = h.manager.transaction(async () => {
      throw new Error('the first')
    })
    failing.catch(() => {})
    await h.clock.advance(150)
    await expect(failing).rejects.toThrow('the first')
    expect(h.driver.open).toEqual([])
  })

  test('a connection lost during COMMIT leaves the outcome unknown, and nothing is repeated', async () => {
    h = manage({ prepare: (driver) => driver.always('commit', { fail: 'lost' }) })
    let runs = 0
    await expect(
      h.manager.transaction(async () => {
        runs += 1
      }),
    ).rejects.toMatchObject({
      code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN',
      sqlState: '08007',
      cause: expect.any(Error),
    })
    expect(runs).toBe(1)
  })

  test('a connection lost before COMMIT was sent has committed nothing, and says so', async () => {
    h = manage()
    await expect(
      h.manager.transaction(async (connection) => connection.lose()),
    ).rejects.toMatchObject({ code: 'CONNMGR_CONNECTION_LOST' })
    expect(h.driver.count('commit')).toBe(0)
  })

  test('a COMMIT that the server refused is an ordinary error', async () => {
    h = manage({ prepare: (driver) => driver.always('commit', { fail: 'serialization' }) })
    await expect(h.manager.transaction(async () => {})).rejects.not.toMatchObject({
      code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN',
    })
  })

  test('a failed BEGIN leaks nothing', async () => {
    h = manage({ prepare: (driver) => driver.always('begin', { fail: 'statement' }) })
    await expect(h.manager.transaction(async () => {})).rejects.toBeDefined()
    expect(h.manager.getPoolMetrics().checkedOut).toBe(0)
  })
})
