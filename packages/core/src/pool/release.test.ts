import { close, type Harness, manage } from '../../test/harness.js'

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
