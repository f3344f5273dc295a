import { systemClock } from './clock.js'

const isKept = (handle: unknown) => (handle as NodeJS.Timeout).hasRef()

describe('the clock of the process', () => {
  test('a timer keeps the process running only if asked to', () => {
    const timers = [
      systemClock.setTimeout(() => {}, 60_000),
      systemClock.setTimeout(() => {}, 60_000, false),
      systemClock.setTimeout(() => {}, 60_000, true),
    ]
    expect(timers.map(isKept)).toEqual([false, false, true])
    for (const timer of timers) systemClock.clearTimeout(timer)
  })

  test('a timer calls back, and a cleared one does not', async () => {
    const called: string[] = []
    const cleared = systemClock.setTimeout(() => called.push('cleared'), 1)
    systemClock.clearTimeout(cleared)
    await new Promise<void>((resolve) => {
      systemClock.setTimeout(
        () => {
          called.push('kept')
          resolve()
        },
        2,
        true,
      )
    })
    expect(called).toEqual(['kept'])
  })

  test('clearing a timer that was never set does nothing', () => {
    expect(() => systemClock.clearTimeout(undefined)).not.toThrow()
  })

  test('an immediate comes after the promises that can go on', async () => {
    const order: string[] = []
    await new Promise<void>((resolve) => {
      systemClock.setImmediate(() => {
        order.push('immediate')
        resolve()
      })
      void Promise.resolve().then(() => order.push('promise'))
    })
    expect(order).toEqual(['promise', 'immediate'])
  })

  test('its time never runs backwards, and chance stays within 0 and 1', () => {
    const before = systemClock.now()
    expect(systemClock.now()).toBeGreaterThanOrEqual(before)
    const earliest = Date.now()
    const wallTime = systemClock.wallTime()
    expect(wallTime).toBeGreaterThanOrEqual(earliest)
    expect(wallTime).toBeLessThanOrEqual(Date.now())
    const chance = systemClock.random()
    expect(chance).toBeGreaterThanOrEqual(0)
    expect(chance).toBeLessThan(1)
  })
})
