import { close, type Harness, manage } from '../../test/harness.js'

let h: Harness
afterEach(() => close(h))

test('a lease that begins right after a stall is a leak in its own time', async () => {
  h = manage({ leakDetection: { thresholdMs: 1000 } })
  ;(await h.manager.acquire()).release()
  await h.clock.advance(500)
  h.clock.stall(8000)
  const lease = await h.manager.acquire()
  await h.clock.advance(900)
  expect(h.of('leakDetected')).toEqual([])
  await h.clock.advance(400)
  expect(h.of('leakDetected')).toHaveLength(1)
  lease.release()
})

test('a lease that lived through a stall is given that time', async () => {
  h = manage({ leakDetection: { thresholdMs: 1000 } })
  const lease = await h.manager.acquire()
  await h.clock.advance(500)
  h.clock.stall(8000)
  await h.clock.advance(300)
  expect(h.of('leakDetected')).toEqual([])
  await h.clock.advance(700)
  expect(h.of('leakDetected')).toHaveLength(1)
  lease.release()
})
