import { AsyncLocalStorage } from 'node:async_hooks'
import { FakeDriver, fakeEndpoint } from '@connmgr/testing'
import { ConnectionManager } from '../manager.js'
import { systemClock } from '../time/clock.js'
import { outside } from './outside.js'

const request = new AsyncLocalStorage<string>()

test('what runs outside sees no flow, nor does what it starts', async () => {
  const seen = await request.run('first', () =>
    outside(async () => {
      const before = request.getStore()
      await new Promise((resolve) => setImmediate(resolve))
      return [before, request.getStore()]
    }),
  )
  expect(seen).toEqual([undefined, undefined])
})

test('so it is if the module is loaded in the midst of a request', async () => {
  await request.run('first', async () => {
    await jest.isolateModulesAsync(async () => {
      const fresh: typeof import('./outside.js') = await import('./outside.js')
      expect(fresh.outside).not.toBe(outside)
      expect(fresh.outside(() => request.getStore())).toBeUndefined()
    })
    expect(request.getStore()).toBe('first')
  })
})

test('what it throws or returns comes through', () => {
  expect(outside(() => 5)).toBe(5)
  expect(() =>
    outside(() => {
      throw new Error('mine')
    }),
  ).toThrow('mine')
})

test('timers and immediates of the clock belong to no flow', async () => {
  const seen: unknown[] = []
  await request.run(
    'first',
    () =>
      new Promise<void>((resolve) => {
        systemClock.setTimeout(() => seen.push(request.getStore()), 1, true)
        systemClock.setTimeout(
          () =>
            systemClock.setImmediate(() => {
              seen.push(request.getStore())
              resolve()
            }),
          2,
          true,
        )
      }),
  )
  expect(seen).toEqual([undefined, undefined])
})

test('nothing of the engine keeps the flow of the request that came first', async () => {
  const seen = new Map<string, unknown>()
  const see = (what: string): void => {
    seen.set(what, request.getStore())
  }
  const driver = new FakeDriver()
  const connect = driver.connect.bind(driver)
  const openProbe = driver.openProbe.bind(driver)
  const destroy = driver.destroy.bind(driver)
  driver.connect = (...given) => {
    see('connect')
    return connect(...given)
  }
  driver.openProbe = (...given) => {
    see('openProbe')
    return openProbe(...given)
  }
  driver.destroy = (...given) => {
    see('destroy')
    destroy(...given)
  }
  const log = (): void => see('logger')
  const topology = {
    name: 'fixed',
    refreshMs: 10_000,
    timeoutMs: 1000,
    async discover() {
      see('topology')
      return { endpoints: ['a', 'b'].map(fakeEndpoint) }
    },
  }
  driver.server('b').role = 'standby'
  driver.server('b').writable = false
  const manager = new ConnectionManager({
    driver,
    endpoints: ['a', 'b'].map(fakeEndpoint),
    options: {
      poolSize: 1,
      maxOverflow: 0,
      topology,
      logger: { debug: log, info: log, warn: log, error: log },
      onConnect: async () => see('onConnect'),
      reset: async () => see('reset'),
      failover: { probeIntervalMs: 10 },
    },
  })
  manager.onAny(({ type }) => see(type))
  manager.on('connectionAcquired', () => see('on'))
  await request.run('first', async () => {
    const lease = await manager.acquire()
    expect(request.getStore()).toBe('first')
    const waiting = manager.acquire()
    lease.release()
    ;(await waiting).destroy()
    await manager.acquire({ timeoutMs: 1 }).then(
      (late) => late.release(),
      () => {},
    )
    await manager.checkHealth()
    expect(request.getStore()).toBe('first')
  })
  await manager.close()
  for (const what of [
    'connect',
    'openProbe',
    'destroy',
    'topology',
    'onConnect',
    'reset',
    'on',
    'connectionCreated',
    'connectionAcquired',
    'connectionReleased',
    'connectionClosed',
    'poolClosed',
  ])
    expect([...seen.keys()]).toContain(what)
  expect([...seen].filter(([, store]) => store !== undefined)).toEqual([])
})

test('a request that has ended is not kept in memory by what it has started', async () => {
  const { gc } = globalThis as { gc?: () => void }
  if (gc === undefined) return
  const manager = new ConnectionManager({
    driver: new FakeDriver(),
    endpoints: [fakeEndpoint('a')],
    options: { logger: false },
  })
  const objects = new AsyncLocalStorage<object>()
  const reference = await (async () => {
    const store = { large: true }
    await objects.run(store, () => manager.use(() => {}))
    return new WeakRef(store)
  })()
  for (let turn = 0; turn < 10 && reference.deref() !== undefined; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve))
    gc()
  }
  expect(reference.deref()).toBeUndefined()
  await manager.close()
})
