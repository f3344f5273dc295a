import { close, expectLater, type Harness, manage } from '../../test/harness.js'
import { type LeaseObserver, observeLeases } from './lease-observers.js'

let h: Harness
afterEach(() => close(h))

/** Writes down what it hears. */
function recorder(acquiring: LeaseObserver['acquiring']) {
  const received: unknown[] = []
  const observer: LeaseObserver = {
    acquiring,
    began: (lease, noted) => received.push(['began', lease, noted]),
    ended: ({ id, isLongLived }, heldMs) => received.push(['ended', id, heldMs, isLongLived]),
  }
  return { received, observer }
}

test('an observer hears of each lease from its acquire to its end', async () => {
  h = manage({ poolSize: 1, maxOverflow: 0 })
  let acquires = 0
  const { received, observer } = recorder(() => {
    acquires += 1
    return acquires
  })
  const stop = observeLeases(h.manager, observer)
  const first = await h.manager.acquire()
  const waiting = h.manager.acquire({ longLived: true })
  expect(acquires).toBe(2)
  await h.clock.advance(30)
  first.release()
  const second = await waiting
  await h.clock.advance(5)
  second.release()
  stop()
  ;(await h.manager.acquire()).release()
  expect(received).toEqual([
    ['began', first.id, 1],
    ['ended', first.id, 30, false],
    ['began', second.id, 2],
    ['ended', second.id, 5, true],
  ])
})

test('it hears no beginning of what it wants to hear no more of, nor of an acquire that fails', async () => {
  h = manage({ poolSize: 1, maxOverflow: 0, acquireTimeoutMs: 100 })
  const unwanted = recorder(() => undefined)
  const wanted = recorder(() => 'noted')
  const stops = [unwanted, wanted].map(({ observer }) => observeLeases(h.manager, observer))
  const lease = await h.manager.acquire()
  const failing = expectLater(h.manager.acquire())
  await h.clock.advance(100)
  await expect(failing).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_TIMEOUT' })
  for (const stop of stops) stop()
  lease.release()
  expect(unwanted.received).toEqual([])
  expect(wanted.received).toEqual([['began', lease.id, 'noted']])
})

test('the end of a lease whose connection was destroyed is observed, too', async () => {
  h = manage()
  const { received, observer } = recorder(() => true)
  observeLeases(h.manager, observer)
  const lease = await h.manager.acquire()
  lease.destroy()
  expect(received).toEqual([
    ['began', lease.id, true],
    ['ended', lease.id, 0, false],
  ])
})

test('an observer that throws is reported, and breaks neither the lease nor another observer', async () => {
  h = manage()
  const thrower = (): never => {
    throw new Error('from an observer')
  }
  const { received, observer } = recorder(() => 'noted')
  observeLeases(h.manager, { acquiring: thrower, began: thrower, ended: thrower })
  observeLeases(h.manager, { acquiring: () => true, began: thrower, ended: thrower })
  observeLeases(h.manager, observer)
  const lease = await h.manager.acquire()
  lease.release()
  await h.clock.settle()
  expect(received).toHaveLength(2)
  expect(h.of('listenerFailed').map(({ reason }) => reason)).toEqual([
    'an observer of leases threw in acquiring',
    'an observer of leases threw in began',
    'an observer of leases threw in ended',
    'an observer of leases threw in ended',
  ])
  expect(h.manager.getCounts()).toMatchObject({ inUse: 0, idle: 1 })
})
