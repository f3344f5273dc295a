import { close, expectLater, type Harness, manage } from '../../test/harness.js'

describe('cancellation', () => {
  let h: Harness
  afterEach(() => close(h))

  test('a signal that has fired already rejects at once, even with an idle connection', async () => {
    h = manage()
    ;(await h.manager.acquire()).release()
    await expect(h.manager.acquire({ signal: AbortSignal.abort('why') })).rejects.toMatchObject({
      code: 'CONNMGR_ACQUIRE_ABORTED',
      cause: 'why',
    })
  })

  test('what is refused at once counts as failed too, also while suspended', async () => {
    h = manage()
    const signal = AbortSignal.abort()
    expect(await h.outcome(expectLater(h.manager.acquire({ signal })))).toBe(
      'CONNMGR_ACQUIRE_ABORTED',
    )
    h.manager.suspend()
    expect(await h.outcome(expectLater(h.manager.acquire({ signal })))).toBe(
      'CONNMGR_ACQUIRE_ABORTED',
    )
    expect(h.manager.getPoolMetrics().failedCheckouts).toBe(2)
    expect(h.of('acquireFailed').map((event) => event.reason)).toEqual(['aborted', 'aborted'])
  })

  test('abort while connecting: the caller rejects at once, the connection becomes idle', async () => {
    h = manage()
    h.driver.next('connect', { afterMs: 100 })
    const controller = new AbortController()
    const failing = expectLater(h.manager.acquire({ signal: controller.signal }))
    await h.clock.advance(10)
    controller.abort()
    await expect(failing).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_ABORTED' })
    await h.clock.advance(100)
    expect(h.manager.getPoolMetrics()).toMatchObject({ checkedIn: 1, waiting: 0 })
  })

  test('an aborted waiter leaves its slot to the next one', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0 })
    const first = await h.manager.acquire()
    const controller = new AbortController()
    const aborted = expectLater(h.manager.acquire({ signal: controller.signal }))
    const next = h.manager.acquire()
    await h.clock.advance(5)
    controller.abort()
    await expect(aborted).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_ABORTED' })
    expect(h.of('acquireFailed')).toMatchObject([{ reason: 'aborted', durationMs: 5 }])
    first.release()
    ;(await next).release()
  })

  test('an abort after the connection was lent changes nothing', async () => {
    h = manage()
    const controller = new AbortController()
    const lease = await h.manager.acquire({ signal: controller.signal })
    controller.abort()
    expect(lease.active).toBe(true)
    lease.release()
  })

  test('the error of a caller that gives up has the stack of that caller', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0, leakDetection: { captureStack: 'always' } })
    const lease = await h.manager.acquire()
    const controller = new AbortController()
    async function checkout() {
      return h.manager.acquire({ signal: controller.signal })
    }
    const waiting = expectLater(checkout())
    controller.abort()
    const error = await waiting.catch((reason: Error) => reason)
    expect((error as Error).stack).toMatch(/^AcquireAbortedError: .*\n {4}at checkout \(/)
    lease.release()
  })

  test('a caller that was served or gave up listens to its signal no more', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0 })
    const { signal } = new AbortController()
    const removed = jest.spyOn(signal, 'removeEventListener')
    const lease = await h.manager.acquire({ signal })
    const waiting = h.manager.acquire({ signal })
    const failing = expectLater(h.manager.acquire({ signal, timeoutMs: 10 }))
    await h.clock.advance(10)
    await expect(failing).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_TIMEOUT' })
    lease.release()
    ;(await waiting).release()
    expect(removed).toHaveBeenCalledTimes(3)
    for (const [type] of removed.mock.calls) expect(type).toBe('abort')
  })
})
