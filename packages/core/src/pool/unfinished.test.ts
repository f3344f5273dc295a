import { close, expectLater, type Harness, manage } from '../../test/harness.js'
import { ConnectionDestroyedError } from '../statement-errors.js'

describe('a connection that comes back with unfinished work', () => {
  let h: Harness
  afterEach(() => close(h))

  test('is destroyed at once when that waits for its client, and its waiter served', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0 })
    const lease = await h.manager.acquire({ label: 'the export' })
    const waiting = h.manager.acquire()
    const { connection } = lease
    connection.condition = 'stuck'
    lease.release()
    await h.clock.settle()
    expect(h.clock.now()).toBe(0)
    expect(connection.ended).toBe('destroyed')
    expect(h.of('connectionDirty')).toMatchObject([
      { reason: 'busy', lease: { label: 'the export' } },
    ])
    expect(h.of('connectionClosed')).toMatchObject([{ reason: 'dirty' }])
    ;(await waiting).release()
  })

  test('is destroyed as soon as the driver says that it will not end by itself', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0 })
    const lease = await h.manager.acquire()
    const { connection } = lease
    h.driver.next('settle', { fail: new Error('the reader of its stream has left') })
    connection.condition = 'busy'
    lease.release()
    await h.clock.settle()
    expect(connection.ended).toBe('destroyed')
    expect(h.of('connectionDirty')).toMatchObject([{ reason: 'busy' }])
    expect(h.of('connectionClosed')).toMatchObject([
      { reason: 'dirty', error: { message: 'the reader of its stream has left' } },
    ])
  })

  test('is counted while it is cleaned, also in the error of who waits for it', async () => {
    h = manage({ poolSize: 2, maxOverflow: 0, acquireTimeoutMs: 100 })
    const [busy, held] = [await h.manager.acquire(), await h.manager.acquire()]
    h.driver.next('query', { afterMs: 1000 })
    expectLater(busy.connection.query('select'))
    busy.release()
    expect(h.manager.getCounts()).toMatchObject({ total: 2, inUse: 1, cleaning: 1, idle: 0 })
    const waiting = expectLater(h.manager.acquire())
    await h.clock.advance(101)
    const error = await waiting.catch((each: unknown) => each)
    expect(error).toMatchObject({
      phase: 'wait',
      message: expect.stringContaining(
        '(1 in use, 0 idle, 1 being cleaned, 0 connecting, 1 waiting, limit 2)',
      ),
      counts: { total: 2, inUse: 1, cleaning: 1, testing: 0, idle: 0 },
    })
    held.release()
    await h.clock.advance(1000)
    expect(h.manager.getCounts()).toMatchObject({ total: 2, idle: 2, cleaning: 0 })
  })

  test('that is lost while it is cleaned makes room at once', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0 })
    const lease = await h.manager.acquire()
    const { connection } = lease
    h.driver.next('query', 'hang')
    expectLater(connection.query('select'))
    lease.release()
    const waiting = h.manager.acquire()
    await h.clock.settle()
    connection.lose()
    ;(await waiting).release()
    expect(h.clock.now()).toBe(0)
    expect(h.manager.getCounts()).toMatchObject({ total: 1, idle: 1, cleaning: 0 })
  })

  test('is waited for by close, and cut off when the drain is over', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0 })
    const lease = await h.manager.acquire()
    const { connection } = lease
    h.driver.next('query', 'hang')
    expectLater(connection.query('select'))
    lease.release()
    const closing = h.manager.close({ drainTimeoutMs: 100 })
    await h.clock.advance(99)
    expect(connection.open).toBe(true)
    await h.clock.advance(2000)
    await closing
    expect(connection.ended).toBe('destroyed')
    expect(h.of('poolClosed')).toMatchObject([{ stragglers: [] }])
  })

  test('a connection that was detached is none of the pool’s any more', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0, acquireTimeoutMs: 100 })
    const detached = (await h.manager.acquire()).detach()
    const lease = await h.manager.acquire()
    const waiting = expectLater(h.manager.acquire())
    await h.clock.advance(101)
    await expect(waiting).rejects.toMatchObject({
      counts: { total: 1, inUse: 1, idle: 0, testing: 0, cleaning: 0, limit: 1 },
    })
    lease.release()
    h.driver.destroy(detached)
  })
})

describe('what is cut off on purpose fails as that', () => {
  const reasonOf = ({ driver }: Harness) => driver.callsOf('destroy').map(({ detail }) => detail)

  test('by a caller who destroys its lease, with that caller’s own reason as the cause', async () => {
    const h = manage()
    const mistrust = new Error('not to be trusted')
    ;(await h.manager.acquire()).destroy(mistrust)
    const [reason] = reasonOf(h)
    expect(reason).toBeInstanceOf(ConnectionDestroyedError)
    expect(reason).toMatchObject({ code: 'CONNMGR_CONNECTION_DESTROYED', cause: mistrust })
    await close(h)
  })

  test('by the leak detector', async () => {
    const h = manage({ leakDetection: { thresholdMs: 100, reclaim: true } })
    await h.manager.acquire()
    await h.clock.advance(200)
    expect(reasonOf(h)).toEqual([
      expect.objectContaining({
        code: 'CONNMGR_CONNECTION_DESTROYED',
        message: expect.stringContaining('leakDetection.reclaim'),
      }),
    ])
    await close(h)
  })

  test('by a pool that closes before its caller is done', async () => {
    const h = manage()
    const { connection } = await h.manager.acquire()
    h.driver.next('query', 'hang')
    expectLater(connection.query('select'))
    await close(h)
    expect(reasonOf(h)).toEqual([expect.objectContaining({ code: 'CONNMGR_CONNECTION_DESTROYED' })])
  })
})
