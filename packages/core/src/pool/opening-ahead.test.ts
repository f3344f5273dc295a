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
