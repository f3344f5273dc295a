import { WriteToken } from '@connmgr/core'
import {
  close,
  expectLater,
  type Harness,
  type HarnessOptions,
  manage,
} from '../../test/harness.js'

type Target = 'primary' | 'standby' | 'prefer-standby' | 'any'

/** A primary `a` at position 100 with the standbys `b` and `c`, which have replayed everything. */
async function start(options: HarnessOptions = {}): Promise<Harness> {
  const h = manage({
    endpoints: ['a', 'b', 'c'],
    healthMonitoring: true,
    acquireTimeoutMs: 5000,
    ...options,
    prepare: (driver) => {
      for (const id of ['a', 'b', 'c']) driver.server(id).position = 100n
      for (const id of ['b', 'c']) {
        driver.server(id).role = 'standby'
        driver.server(id).writable = false
      }
      options.prepare?.(driver)
    },
  })
  await h.manager.start()
  return h
}

async function lendTo(h: Harness, target: Target, after?: WriteToken | string): Promise<string> {
  const lease = await h.manager.acquire({ target, ...(after === undefined ? {} : { after }) })
  lease.release()
  return lease.endpoint.id
}

const polls = (h: Harness) => h.driver.callsOf('readPlace').map(({ endpoint }) => endpoint.id)

describe('reads after a write token', () => {
  let h: Harness
  afterEach(async () => {
    await close(h)
    expect(h.clock.pendingTimers).toBe(0)
  })

  test('a token says how far the writer is', async () => {
    h = await start()
    h.driver.server('a').position = 123n
    expect(await h.manager.writeToken()).toEqual(
      new WriteToken({ cluster: 'system-1', history: '1', position: 'p123' }),
    )
    expect(h.manager.getPoolMetrics().checkedOut).toBe(0)
  })

  test('a standby that has replayed it is lent at once, after one question', async () => {
    h = await start()
    const after = await h.manager.writeToken()
    expect(await lendTo(h, 'prefer-standby', after)).toMatch(/^[bc]$/)
    expect(await lendTo(h, 'standby', String(after))).toMatch(/^[bc]$/)
    expect(polls(h).length).toBeLessThanOrEqual(2)
  })

  test('a connection that was seen beyond the token is not asked again', async () => {
    h = await start()
    const after = await h.manager.writeToken()
    h.driver.server('c').crash()
    await h.clock.advance(100)
    await lendTo(h, 'prefer-standby', after)
    await lendTo(h, 'prefer-standby', after)
    expect(polls(h)).toEqual(['b'])
  })

  test('a standby that lags is waited for, and lent when it has replayed', async () => {
    h = await start()
    h.driver.server('a').position = 200n
    const after = await h.manager.writeToken()
    const reading = lendTo(h, 'prefer-standby', after)
    await h.clock.advance(60)
    expect(await h.outcome(reading)).toBe('pending')
    for (const id of ['b', 'c']) h.driver.server(id).position = 200n
    await h.clock.advance(20)
    expect(await reading).toMatch(/^[bc]$/)
    expect(polls(h).length).toBeLessThan(10)
  })

  test('after catchUpWaitMs the writer is lent instead, within the same deadline', async () => {
    h = await start({ catchUpWaitMs: 300 })
    h.driver.server('a').position = 200n
    const reading = lendTo(h, 'prefer-standby', await h.manager.writeToken())
    await h.clock.advance(299)
    expect(await h.outcome(reading)).toBe('pending')
    await h.clock.advance(2)
    expect(await reading).toBe('a')
    expect(h.of('acquireFailed')).toEqual([])
    expect(h.manager.getPoolMetrics().checkedOut).toBe(0)
  })

  test('a standby that is known to be further behind than that is not waited for', async () => {
    h = await start({ catchUpWaitMs: 300 })
    await h.clock.advance(700)
    h.driver.server('a').position = 200n
    h.driver.server('c').position = 200n
    await h.clock.advance(1500)
    h.driver.server('a').position = 300n
    const after = await h.manager.writeToken()
    h.driver.server('c').position = 300n
    expect(await lendTo(h, 'prefer-standby', after)).toBe('c')
    h.driver.server('c').crash()
    await h.clock.advance(100)
    expect(await lendTo(h, 'prefer-standby', after)).toBe('a')
    expect(polls(h)).toEqual(['c'])
  })

  test('the standby that has it by its latest probe comes before one with less to do', async () => {
    h = await start()
    h.driver.server('a').position = 200n
    h.driver.server('c').position = 200n
    await h.clock.advance(700)
    const busy = await h.manager.acquire({ target: 'standby', after: await h.manager.writeToken() })
    expect(busy.endpoint.id).toBe('c')
    expect(await lendTo(h, 'prefer-standby', await h.manager.writeToken())).toBe('c')
    busy.release()
  })

  test("target 'standby' waits until the deadline of the acquire, and says that it was for replay", async () => {
    h = await start()
    h.driver.server('a').position = 200n
    const after = await h.manager.writeToken()
    const reading = expectLater(h.manager.acquire({ target: 'standby', after, timeoutMs: 2000 }))
    await h.clock.advance(1990)
    expect(await h.outcome(reading)).toBe('pending')
    await h.clock.advance(50)
    await expect(reading).rejects.toMatchObject({
      code: 'CONNMGR_ACQUIRE_TIMEOUT',
      phase: 'catch-up',
      message: expect.stringContaining('is at p100, before p200'),
    })
    expect(h.of('acquireFailed')).toMatchObject([{ reason: 'timeout' }])
    expect(h.manager.getPoolMetrics()).toMatchObject({ checkedOut: 0, failedCheckouts: 1 })
  })

  test("target 'any' is the writer while there is one, and 'primary' always", async () => {
    h = await start()
    h.driver.server('a').position = 200n
    const after = await h.manager.writeToken()
    expect(await lendTo(h, 'any', after)).toBe('a')
    expect(await lendTo(h, 'primary', after)).toBe('a')
    h.driver.server('a').crash()
    await h.clock.advance(100)
    for (const id of ['b', 'c']) h.driver.server(id).position = 200n
    await h.clock.advance(500)
    expect(await lendTo(h, 'any', after)).toMatch(/^[bc]$/)
  })

  test('a token from before a failover leads to the writer, and a new one to a standby', async () => {
    h = await start()
    const before = await h.manager.writeToken()
    h.driver.server('a').crash()
    await h.clock.advance(100)
    h.driver.server('b').promote()
    await h.clock.advance(300)
    expect(await lendTo(h, 'prefer-standby', before)).toBe('b')
    expect(polls(h)).toEqual([])
    h.driver.server('c').timeline = 2
    await h.clock.advance(600)
    expect(await lendTo(h, 'prefer-standby', await h.manager.writeToken())).toBe('c')
  })

  test('a standby that is known to be in an older history than the token has nothing of it, however far it is', async () => {
    h = await start()
    h.driver.server('a').crash()
    await h.clock.advance(100)
    h.driver.server('c').position = 250n
    h.driver.server('b').promote()
    h.driver.server('b').position = 300n
    await h.clock.advance(50)
    h.driver.server('b').position = 500n
    await h.clock.advance(600)
    const after = new WriteToken({ cluster: 'system-1', history: '2', position: 'p200' })
    expect(await lendTo(h, 'prefer-standby', after)).toBe('b')
    const insisting = expectLater(h.manager.acquire({ target: 'standby', after, timeoutMs: 100 }))
    await h.clock.advance(150)
    await expect(insisting).rejects.toMatchObject({
      phase: 'catch-up',
      message: expect.stringContaining('is still in the history before (1)'),
    })
  })

  test("target 'standby' takes a token from before a failover for what the new writer has", async () => {
    h = await start()
    h.driver.server('a').position = 900n
    const before = await h.manager.writeToken()
    h.driver.server('a').crash()
    await h.clock.advance(100)
    h.driver.server('b').promote()
    h.driver.server('b').position = 300n
    await h.clock.advance(300)
    const reading = lendTo(h, 'standby', before)
    await h.clock.advance(100)
    expect(await h.outcome(reading)).toBe('pending')
    Object.assign(h.driver.server('c'), { position: 300n, timeline: 2 })
    await h.clock.advance(100)
    expect(await reading).toBe('c')
  })

  test('a read during a failover waits for the new writer if no standby has what it needs', async () => {
    h = await start()
    h.driver.server('a').position = 200n
    const after = await h.manager.writeToken()
    h.driver.server('a').crash()
    await h.clock.advance(100)
    const reading = lendTo(h, 'prefer-standby', after)
    await h.clock.advance(1000)
    expect(await h.outcome(reading)).toBe('pending')
    h.driver.server('b').promote()
    await h.clock.advance(300)
    expect(await reading).toBe('b')
  })

  test('a standby that is promoted while it is waited for is left, and the writer is lent', async () => {
    h = await start()
    h.driver.server('c').crash()
    await h.clock.advance(100)
    h.driver.server('a').position = 200n
    const reading = lendTo(h, 'prefer-standby', await h.manager.writeToken())
    await h.clock.advance(30)
    h.driver.server('a').crash()
    h.driver.server('b').promote()
    await h.clock.advance(600)
    expect(await reading).toBe('b')
  })

  test('a standby that hangs while it is asked loses the connection, not the caller', async () => {
    h = await start({ catchUpWaitMs: 200 })
    const after = await h.manager.writeToken()
    h.driver.server('c').crash()
    await h.clock.advance(100)
    h.driver.next('readPlace', 'hang')
    const reading = lendTo(h, 'prefer-standby', after)
    await h.clock.advance(250)
    expect(await reading).toBe('a')
    expect(h.driver.open.map(({ endpoint }) => endpoint.id)).not.toContain('b')
  })

  test('a signal ends the wait', async () => {
    h = await start()
    h.driver.server('a').position = 200n
    const abort = new AbortController()
    const after = await h.manager.writeToken()
    const reading = expectLater(
      h.manager.acquire({ target: 'standby', after, signal: abort.signal }),
    )
    await h.clock.advance(50)
    abort.abort(new Error('gone'))
    await h.clock.advance(20)
    await expect(reading).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_ABORTED' })
    expect(h.manager.getPoolMetrics().checkedOut).toBe(0)
  })

  test('a malformed token rejects, whatever the target', async () => {
    h = await start()
    for (const target of ['primary', 'prefer-standby'] as const) {
      await expect(h.manager.acquire({ target, after: 'nonsense' })).rejects.toMatchObject({
        code: 'CONNMGR_INVALID_OPTION',
        option: 'after',
      })
    }
  })

  test('a suspended manager lends nothing until it is resumed', async () => {
    h = await start()
    const after = await h.manager.writeToken()
    h.manager.suspend()
    const reading = lendTo(h, 'prefer-standby', after)
    await h.clock.advance(1000)
    expect(await h.outcome(reading)).toBe('pending')
    h.manager.resume()
    expect(await reading).toBe('a')
  })

  test('with a driver that cannot tell positions, reads go to the writer', async () => {
    h = await start({
      prepare: (driver) => Object.assign(driver, { replication: undefined }),
    })
    await expect(h.manager.writeToken()).rejects.toMatchObject({ code: 'CONNMGR_UNSUPPORTED' })
    const after = new WriteToken({ cluster: 'system-1', history: '1', position: 'p1' })
    expect(await lendTo(h, 'prefer-standby', after)).toBe('a')
    await expect(h.manager.acquire({ target: 'standby', after })).rejects.toMatchObject({
      code: 'CONNMGR_UNSUPPORTED',
    })
  })
})
