import { AsyncResource } from 'node:async_hooks'
import { WriteToken } from '@connmgr/core'
import { close, type Harness, type HarnessOptions, manage } from '../../test/harness.js'

/** A primary `a` and its standby `b`, which replays nothing by itself. */
async function start(options: HarnessOptions = {}): Promise<Harness> {
  const h = manage({
    endpoints: ['a', 'b'],
    healthMonitoring: true,
    catchUpWaitMs: 100,
    ...options,
    prepare: (driver) => {
      driver.server('a').position = 100n
      Object.assign(driver.server('b'), { role: 'standby', writable: false, position: 100n })
    },
  })
  await h.manager.start()
  return h
}

async function lendTo(h: Harness, target: 'prefer-standby' | 'standby' | 'any' = 'prefer-standby') {
  const lease = await h.manager.acquire({ target })
  lease.release()
  return lease.endpoint.id
}

async function write(h: Harness): Promise<void> {
  await h.manager.transaction(async () => {
    const a = h.driver.server('a')
    a.position = (a.position ?? 0n) + 100n
  })
}

describe('a session', () => {
  let h: Harness
  afterEach(async () => {
    await close(h)
    expect(h.clock.pendingTimers).toBe(0)
  })

  test('reads from a standby as ever while nothing has been written in it', async () => {
    h = await start()
    await h.manager.withSession(async (session) => {
      expect(await lendTo(h)).toBe('b')
      expect(await session.writeToken()).toBeUndefined()
    })
    expect(h.driver.count('writePlace') + h.driver.count('readPlace')).toBe(0)
  })

  test('has ended once the promise of its work has settled: what that leaves behind is in none', async () => {
    h = await start()
    const left: (() => Promise<string>)[] = []
    await h.manager.withSession(async () => {
      await write(h)
      left.push(AsyncResource.bind(() => lendTo(h)))
      expect(h.manager.inSession).toBe(true)
      const reading = lendTo(h)
      await h.clock.advance(120)
      expect(await reading).toBe('a')
    })
    expect(h.manager.inSession).toBe(false)
    const asked = h.driver.count('writePlace')
    expect(await left[0]?.()).toBe('b')
    expect(h.driver.count('writePlace')).toBe(asked)
  })

  test('goes on for what work has started that tells no end, and for later sessions in it', async () => {
    h = await start()
    let handled: Promise<string> = Promise.resolve('')
    const next = (): void => {
      handled = (async () => {
        await write(h)
        for (let round = 0; round < 100; round += 1) await h.manager.use(() => {})
        const reading = lendTo(h)
        await h.clock.advance(120)
        return reading
      })()
    }
    h.manager.withSession(next)
    expect(await handled).toBe('a')
  })

  test('a token covers what had ended when it was asked for, and no more', async () => {
    h = await start()
    await h.manager.withSession(async (session) => {
      await write(h)
      const open = await h.manager.acquire()
      expect(String(await session.writeToken())).toMatch(/:p200$/)
      // It may have written since.
      expect(session.unasked).toBe(true)
      open.release()
      await write(h)
      expect(String(await session.writeToken())).toMatch(/:p300$/)
      expect(session.unasked).toBe(false)
    })
  })

  test('reads its own writes: from the standby once that has replayed them, else from the writer', async () => {
    h = await start()
    await h.manager.withSession(async () => {
      await write(h)
      const reading = lendTo(h)
      await h.clock.advance(120)
      expect(await reading).toBe('a')
      h.driver.server('b').position = 200n
      expect(await lendTo(h)).toBe('b')
      expect(await lendTo(h)).toBe('b')
    })
    expect(h.driver.count('writePlace')).toBe(1)
    expect(await lendTo(h)).toBe('b')
  })

  test('asks the writer again after another write, and while one is under way', async () => {
    h = await start()
    await h.manager.withSession(async () => {
      await write(h)
      h.driver.server('b').position = 200n
      expect(await lendTo(h)).toBe('b')
      const lease = await h.manager.acquire()
      expect(await lendTo(h)).toBe('b')
      expect(await lendTo(h)).toBe('b')
      expect(h.driver.count('writePlace')).toBe(3)
      h.driver.server('a').position = 300n
      lease.release()
      const reading = lendTo(h)
      await h.clock.advance(120)
      expect(await reading).toBe('a')
      expect(h.driver.count('writePlace')).toBe(4)
    })
  })

  test('concerns the asynchronous flow alone that it was made for', async () => {
    h = await start()
    const inside = h.manager.withSession(async () => {
      await write(h)
      expect(h.manager.inSession).toBe(true)
      return lendTo(h)
    })
    expect(h.manager.inSession).toBe(false)
    expect(await lendTo(h)).toBe('b')
    await h.clock.advance(120)
    expect(await inside).toBe('a')
  })

  test('takes a read-only transaction for no write', async () => {
    h = await start()
    await h.manager.withSession(async () => {
      await h.manager.transaction(async () => {}, { readOnly: true })
      h.driver.server('a').position = 200n
      expect(await lendTo(h)).toBe('b')
    })
    expect(h.driver.count('writePlace')).toBe(0)
  })

  test('with stickyReadsMs, reads go to the writer for that long after a write, and then wait for replay', async () => {
    h = await start({ stickyReadsMs: 2000 })
    await h.manager.withSession(async () => {
      await write(h)
      h.driver.server('b').position = 200n
      expect(await lendTo(h)).toBe('a')
      expect(await lendTo(h, 'standby')).toBe('b')
      await h.clock.advance(2000)
      expect(await lendTo(h)).toBe('b')
    })
  })

  test('begins after the token it is given, and passes one on', async () => {
    h = await start()
    const after = new WriteToken({ cluster: 'system-1', history: '1', position: 'p150' })
    await h.manager.withSession(
      async (session) => {
        expect(await session.writeToken()).toEqual(after)
        const reading = lendTo(h)
        await h.clock.advance(120)
        expect(await reading).toBe('a')
        await write(h)
        expect(await session.writeToken()).toMatchObject({ position: 'p200' })
      },
      { after: String(after) },
    )
  })

  test('within another one is part of it', async () => {
    h = await start()
    await h.manager.withSession(async (outer) => {
      await h.manager.withSession(
        async (inner) => {
          expect(inner).toBe(outer)
          await write(h)
        },
        { after: new WriteToken({ cluster: 'system-1', history: '1', position: 'p150' }) },
      )
      const reading = lendTo(h)
      await h.clock.advance(120)
      expect(await reading).toBe('a')
    })
  })

  test('whose writer is gone reads from the next one', async () => {
    h = await start()
    await h.manager.withSession(async () => {
      await write(h)
      h.driver.server('a').crash()
      await h.clock.advance(100)
      const reading = lendTo(h)
      await h.clock.advance(500)
      expect(await h.outcome(reading)).toBe('pending')
      h.driver.server('b').promote()
      await h.clock.advance(300)
      expect(await reading).toBe('b')
    })
  })

  test('reads from the writer if that cannot say how far it is', async () => {
    h = await start()
    h.driver.always('writePlace', { fail: 'statement' })
    await h.manager.withSession(async () => {
      await write(h)
      expect(await lendTo(h)).toBe('a')
      await expect(lendTo(h, 'standby')).rejects.toMatchObject({ kind: 'statement' })
    })
  })

  test('refuses what it does not know', async () => {
    h = await start()
    const options = { afterr: 'x' } as object
    expect(() => h.manager.withSession(() => 1, options)).toThrow(/did you mean "after"/)
    expect(() => h.manager.withSession(() => 1, { after: 'x' })).toThrow(/after/)
  })
})
