import { closeLone, lonePool } from '../../test/lone-pool.js'

const SUSPECT = { condition: 'suspect', serving: false } as const

/** A pool of which one connection is lent when its server falls under suspicion; callers wait elsewhere meanwhile. */
async function suspected(options: Parameters<typeof lonePool>[0] = {}) {
  const lone = lonePool(options)
  const lease = await lone.acquire()
  const validated = lone.driver.count('validate')
  lone.pool.serverChanged(SUSPECT)
  await lone.clock.settle()
  return { lone, lease, validated }
}

describe('while a server that may be left is suspect', () => {
  test('one connection is opened beside the probe, and lent at the verdict once it has been tested', async () => {
    const { lone, lease, validated } = await suspected()
    expect(lone.driver.count('connect')).toBe(2)
    expect(lone.pool.counts).toMatchObject({ idle: 1, inUse: 1 })
    lone.pool.serverChanged({ condition: 'open', serving: true })
    const next = await lone.acquire()
    expect(lone.driver.count('connect')).toBe(2)
    expect(lone.driver.count('validate')).toBe(validated + 1)
    next.release()
    lease.release()
    await closeLone(lone)
  })

  test('none is lent before the verdict', async () => {
    const { lone, lease } = await suspected()
    let lent = false
    const waiting = lone.acquire().then((next) => {
      lent = true
      return next
    })
    await lone.clock.advance(1000)
    expect(lent).toBe(false)
    lone.pool.serverChanged({ condition: 'open', serving: true })
    ;(await waiting).release()
    lease.release()
    await closeLone(lone)
  })

  test('none is opened above the limit, nor for an unused pool', async () => {
    const { lone, lease } = await suspected({ poolSize: 1, maxOverflow: 0 })
    expect(lone.driver.count('connect')).toBe(1)
    lease.release()
    await closeLone(lone)
    const unused = lonePool()
    ;(await unused.acquire()).release()
    unused.pool.serverChanged(SUSPECT)
    await unused.clock.settle()
    expect(unused.driver.count('connect')).toBe(1)
    await closeLone(unused)
  })

  test('it goes with all others if the server turns out to be lost', async () => {
    const { lone, lease } = await suspected()
    lone.pool.serverChanged({ condition: 'lost', dead: 'it is gone' })
    await lone.clock.settle()
    expect(lone.pool.counts.total).toBe(0)
    lease.release()
    await closeLone(lone)
  })
})

describe('while the only server is suspect', () => {
  test('a connection is opened beside those that are tested, and serves the caller for whom one hangs', async () => {
    const lone = lonePool()
    const [lent, other] = await Promise.all([lone.acquire(), lone.acquire()])
    const hanging = other.connection
    other.release()
    lone.driver.next('validate', 'hang')
    lone.pool.serverChanged({ condition: 'suspect' })
    const served = await lone.acquire()
    expect(served.connection).not.toBe(hanging)
    expect(lone.driver.count('connect')).toBe(3)
    expect(lone.driver.count('validate')).toBe(2)
    served.release()
    lent.release()
    await closeLone(lone)
  })

  test.each([1, 2])('suspicions that repeat do not lead above a limit of %s', async (poolSize) => {
    const lone = lonePool({ poolSize, maxOverflow: 0 })
    const lent = await lone.acquire()
    for (let round = 0; round < 3; round += 1) {
      lone.pool.serverChanged({ condition: 'suspect' })
      lone.pool.serverChanged({ condition: 'open' })
      lone.pool.serverChanged({ condition: 'suspect' })
      await lone.clock.settle()
      expect(lone.driver.count('connect')).toBe(poolSize)
    }
    lent.release()
    await closeLone(lone)
  })

  test('that a full server refuses it concerns no caller, and delays no connect', async () => {
    const lone = lonePool({ poolSize: 3, maxOverflow: 0 })
    const lent = await lone.acquire()
    lone.driver.next('connect', { fail: 'busy' })
    lone.pool.serverChanged({ condition: 'suspect' })
    await lone.clock.settle()
    expect(lone.driver.count('connect')).toBe(2)
    expect(lone.of('connectionFailed')).toEqual([])
    ;(await lone.acquire()).release()
    expect(lone.driver.count('connect')).toBe(3)
    lent.release()
    await closeLone(lone)
  })

  test('none is opened for a pool that nothing uses', async () => {
    const lone = lonePool()
    ;(await lone.acquire()).release()
    lone.pool.serverChanged({ condition: 'suspect' })
    await lone.clock.settle()
    expect(lone.driver.count('connect')).toBe(1)
    await closeLone(lone)
  })
})
