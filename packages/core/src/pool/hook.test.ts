import { type FakeConnection, FakeError } from '@connmgr/testing'
import { close, expectLater, type Harness, manage } from '../../test/harness.js'

describe('onConnect', () => {
  let h: Harness
  afterEach(() => close(h))

  const broken = () => {
    throw new Error('relation "settings" does not exist')
  }

  test.each([
    ['transaction', 'it left an open transaction behind'],
    ['stuck', 'it left a statement that waits for its client behind'],
  ] as const)(
    'that leaves a connection in the condition "%s" has failed',
    async (condition, why) => {
      h = manage({
        onConnect: (connection) => {
          connection.condition = condition
        },
      })
      await expect(h.manager.acquire()).rejects.toMatchObject({
        code: 'CONNMGR_CONNECT_FAILED',
        message: `cannot connect to a: onConnect failed: ${why}`,
        cause: { message: why },
      })
      expect(h.of('connectionFailed')).toMatchObject([{ reason: 'hook', error: { message: why } }])
      expect(h.driver.open).toEqual([])
    },
  )

  test('may leave a statement to itself that comes to an end', async () => {
    h = manage({ onConnect: (connection) => void connection.query('set x to 1') })
    h.driver.next('query', { afterMs: 50 })
    const acquiring = h.manager.acquire()
    await h.clock.advance(40)
    expect(await h.outcome(acquiring)).toBe('pending')
    await h.clock.advance(10)
    const lease = await acquiring
    expect(lease.connection.session.get('x')).toBe('1')
    lease.release()
  })

  test('that never returns is cut off with the connect, and named in the errors of callers', async () => {
    h = manage({
      onConnect: () => new Promise(() => {}),
      connectTimeoutMs: 100,
      acquireTimeoutMs: 500,
    })
    const acquiring = expectLater(h.manager.acquire())
    await h.clock.advance(501)
    await expect(acquiring).rejects.toMatchObject({
      code: 'CONNMGR_ACQUIRE_TIMEOUT',
      phase: 'connect',
      message: expect.stringContaining(
        'onConnect failed: it had not finished when connectTimeoutMs',
      ),
      cause: { code: 'CONNMGR_CONNECT_FAILED' },
    })
    expect(h.driver.open).toEqual([])
    expect(h.of('connectionFailed')[0]).toMatchObject({ reason: 'hook', durationMs: 100 })
  })

  test.each([
    ['throws', broken],
    ['rejects', async () => broken()],
  ])('that %s backs off, however fast its callers ask again', async (_how, onConnect) => {
    h = manage({ onConnect })
    let failed = 0
    let asking = true
    const caller = async () => {
      while (asking) await h.manager.acquire().catch(() => (failed += 1))
    }
    const callers = Array.from({ length: 20 }, caller)
    await h.clock.advance(10_000)
    const early = h.driver.count('connect')
    expect(early).toBeLessThan(30)
    await h.clock.advance(10_000)
    expect(h.driver.count('connect') - early).toBeLessThan(25)
    // Those who wait hear of it at each attempt, rather than at their deadlines.
    expect(failed).toBeGreaterThan(200)
    asking = false
    await h.clock.advance(2000)
    await Promise.all(callers)
  })

  test('that fails each time is bad health, until it works again, with or without callers', async () => {
    let works = false
    h = manage({ onConnect: () => (works ? undefined : broken()) })
    expect(h.manager.getHealthStatus().status).toBe('starting')
    await Promise.allSettled([h.manager.acquire(), h.manager.acquire()])
    await h.clock.advance(1000)
    expect(h.manager.getHealthStatus().healthy).toBe(false)
    works = true
    await h.clock.advance(2000)
    expect(h.manager.getHealthStatus().healthy).toBe(true)
    ;(await h.manager.acquire()).release()
  })

  test('that fails once costs one caller, and the others no time', async () => {
    let refusals = 1
    h = manage({
      onConnect: () => {
        refusals -= 1
        if (refusals >= 0) broken()
      },
    })
    const first = expectLater(h.manager.acquire())
    const second = h.manager.acquire()
    await expect(first).rejects.toMatchObject({ code: 'CONNMGR_CONNECT_FAILED' })
    ;(await second).release()
    expect(h.clock.now()).toBe(0)
  })

  test('that ends its own connection does not storm the server either', async () => {
    h = manage({ onConnect: (connection) => connection.lose() })
    expectLater(h.manager.acquire())
    await h.clock.advance(10_000)
    expect(h.driver.count('connect')).toBeLessThan(25)
    expect(h.of('connectionClosed')[0]).toMatchObject({ reason: 'lost' })
  })

  test('that fails as its connection is lost has not failed by itself', async () => {
    let first = true
    h = manage({
      onConnect: (connection) => {
        if (!first) return
        first = false
        connection.lose()
        throw new FakeError('lost')
      },
    })
    const acquiring = h.manager.acquire()
    await h.clock.advance(100)
    ;(await acquiring).release()
    expect(h.of('connectionFailed')).toMatchObject([{ reason: 'connect' }])
  })

  test.each(['throws', 'leaves a transaction', 'never returns'])(
    'that %s after a reset costs the connection, and backs off',
    async (how) => {
      const prepared = new Set<FakeConnection>()
      h = manage({
        poolSize: 1,
        maxOverflow: 0,
        reset: 'discard-all',
        resetTimeoutMs: 50,
        onConnect: (connection) => {
          if (!prepared.has(connection)) {
            prepared.add(connection)
            return
          }
          if (how === 'throws') broken()
          if (how === 'never returns') return new Promise(() => {})
          connection.condition = 'transaction'
          return
        },
      })
      let asking = true
      const caller = async () => {
        while (asking) (await h.manager.acquire()).release()
      }
      const asked = caller()
      await h.clock.advance(10_000)
      expect(h.driver.count('connect')).toBeLessThan(30)
      expect(new Set(h.of('connectionClosed').map((each) => each.reason))).toEqual(
        new Set(['hook']),
      )
      asking = false
      await h.clock.advance(2000)
      await asked
    },
  )

  test('may acquire from the pool that it prepares a connection for', async () => {
    let nested: Promise<unknown> = Promise.resolve()
    let first = true
    h = manage({
      poolSize: 2,
      maxOverflow: 0,
      onConnect: () => {
        if (!first) return
        first = false
        nested = h.manager.use(() => {})
      },
    })
    ;(await h.manager.acquire()).release()
    await nested
    expect(h.manager.getCounts()).toMatchObject({ inUse: 0, waiting: 0 })
  })
})
