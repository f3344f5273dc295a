import { FakeClock, type FakeConnection, FakeDriver, fakeEndpoint } from '@connmgr/testing'
import { ConnectionManager } from '../manager.js'
import type { ManagerOptions } from '../options.js'
import { ConnectionBudget } from './connection-budget.js'
import type { Lease } from './lease.js'

type Manager = ConnectionManager<FakeConnection>

let clock: FakeClock
let driver: FakeDriver
let managers: Manager[]

beforeEach(() => {
  clock = new FakeClock()
  driver = new FakeDriver({ clock })
  managers = []
})

afterEach(async () => {
  const closing = Promise.all(managers.map((each) => each.close({ drainTimeoutMs: 10 })))
  await clock.advance(20_000)
  await closing
})

function manage(
  name: string,
  budget: ConnectionBudget,
  options: ManagerOptions<FakeConnection> = {},
): Manager {
  const manager = new ConnectionManager<FakeConnection>({
    driver,
    endpoints: [fakeEndpoint(name)],
    options: {
      name,
      clock,
      budget,
      logger: false,
      healthMonitoring: false,
      prePing: false,
      ...options,
    },
  })
  managers.push(manager)
  return manager
}

describe('a budget of connections', () => {
  test('lets several managers have no more connections than it says', async () => {
    const budget = new ConnectionBudget({ maxConnections: 3 })
    const [a, b] = [manage('a', budget), manage('b', budget)]
    const held = await Promise.all([a.acquire(), a.acquire(), b.acquire()])
    const fourth = b.acquire()
    await clock.advance(100)
    expect(driver.open).toHaveLength(3)
    expect(budget.connections).toBe(3)
    ;(held[0] as Lease<FakeConnection>).release()
    await clock.advance(10)
    ;(await fourth).release()
    expect(driver.mostOpen).toBe(3)
    for (const each of held.slice(1)) each.release()
  })

  test('closes an idle connection of another manager to make room, the one that has been idle for longest', async () => {
    const budget = new ConnectionBudget({ maxConnections: 2 })
    const [a, b, c] = [manage('a', budget), manage('b', budget), manage('c', budget)]
    ;(await a.acquire()).release()
    await clock.advance(10)
    ;(await b.acquire()).release()
    await clock.advance(10)
    const acquiring = c.acquire()
    await clock.advance(10)
    ;(await acquiring).release()
    expect(a.getCounts().total).toBe(0)
    expect(b.getCounts().total).toBe(1)
    expect(driver.mostOpen).toBe(2)
  })

  test('serves callers in the order in which they came, whichever manager they asked', async () => {
    const budget = new ConnectionBudget({ maxConnections: 1 })
    const [a, b] = [manage('a', budget), manage('b', budget)]
    const first = await a.acquire()
    const served: string[] = []
    const work = async (name: string, manager: Manager): Promise<void> => {
      const lease = await manager.acquire()
      served.push(name)
      lease.release()
    }
    const all = [work('b1', b), work('a1', a), work('b2', b), work('a2', a)]
    await clock.advance(10)
    first.release()
    await clock.advance(1000)
    await Promise.all(all)
    expect(served).toEqual(['b1', 'a1', 'b2', 'a2'])
    expect(driver.mostOpen).toBe(1)
  })

  test('is named in the error of a caller for whom it had no room', async () => {
    const budget = new ConnectionBudget({ maxConnections: 2 })
    const [a, b] = [manage('a', budget), manage('b', budget, { acquireTimeoutMs: 500 })]
    const held = await Promise.all([a.acquire(), a.acquire()])
    const failing = b.acquire().catch((error: unknown) => error)
    await clock.advance(600)
    expect(await failing).toMatchObject({
      code: 'CONNMGR_ACQUIRE_TIMEOUT',
      phase: 'wait',
      message: expect.stringMatching(
        /the budget of 2 connections \(maxConnections\) is used up by managers: "a" 2/,
      ),
    })
    for (const each of held) each.release()
  })

  test('gives back the place of a connect that fails, is lost or given up', async () => {
    const budget = new ConnectionBudget({ maxConnections: 1 })
    const [a, b] = [manage('a', budget, { connectTimeoutMs: 300 }), manage('b', budget)]
    driver.next('connect', { fail: 'unreachable' })
    driver.always('connect', 'hang')
    const late = a.acquire({ timeoutMs: 1000 }).catch((error: unknown) => error)
    await clock.advance(2000)
    expect(await late).toMatchObject({ code: 'CONNMGR_ACQUIRE_TIMEOUT' })
    driver.always('connect', 'succeed')
    const lease = await b.acquire()
    lease.connection.signal('lost')
    lease.release()
    await clock.advance(10)
    expect(budget.connections).toBe(0)
    const detached = await a.acquire()
    detached.detach()
    expect(budget.connections).toBe(0)
  })

  test('waits for a connection to be closed before another is opened in its place', async () => {
    const budget = new ConnectionBudget({ maxConnections: 1 })
    const [a, b] = [manage('a', budget, { closeTimeoutMs: 200 }), manage('b', budget)]
    driver.always('close', 'hang')
    ;(await a.acquire()).release()
    const acquiring = b.acquire()
    await clock.advance(150)
    expect(driver.count('connect')).toBe(1)
    await clock.advance(100)
    ;(await acquiring).release()
    expect(driver.mostOpen).toBe(1)
  })

  test('a manager that is closed leaves its places to others', async () => {
    const budget = new ConnectionBudget({ maxConnections: 1 })
    const [a, b] = [manage('a', budget), manage('b', budget)]
    const lease = await a.acquire()
    const acquiring = b.acquire()
    const closing = a.close({ drainTimeoutMs: 50 })
    await clock.advance(100)
    await closing
    ;(await acquiring).release()
    lease.release()
    expect(driver.mostOpen).toBe(1)
  })

  test('a reserve of idle connections takes only what is to spare', async () => {
    const budget = new ConnectionBudget({ maxConnections: 3 })
    const a = manage('a', budget)
    const held = await Promise.all([a.acquire(), a.acquire()])
    const b = manage('b', budget, { minIdle: 3 })
    await clock.advance(2000)
    expect(b.getCounts().total).toBe(1)
    const third = a.acquire()
    await clock.advance(100)
    ;(await third).release()
    expect(driver.mostOpen).toBe(3)
    for (const each of held) each.release()
  })

  test.each([
    [{ maxConnections: 0 }, /"maxConnections" must be a whole number from 1 on, but it is 0/],
    [{}, /"maxConnections" must be a whole number/],
    [{ maxConnections: 5, max: 3 }, /unknown option "max"/],
  ])('refuses %j', (options, message) => {
    expect(() => new ConnectionBudget(options as { maxConnections: number })).toThrow(
      expect.objectContaining({
        code: 'CONNMGR_INVALID_OPTION',
        message: expect.stringMatching(message),
      }),
    )
  })

  test('refuses what is none where one is expected', () => {
    expect(() => manage('a', { maxConnections: 5 } as unknown as ConnectionBudget)).toThrow(
      /option "budget" must be a new ConnectionBudget/,
    )
  })
})

/** Repeatable chance. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return state / 0x7fffffff
  }
}

describe('under any mix of acquires, releases, failures, aborts, timeouts, resizes and closes', () => {
  test.each(Array.from({ length: 12 }, (_, index) => index + 1))(
    'the budget is never exceeded and no caller is lost (seed %i)',
    async (seed) => {
      const random = randomFrom(seed)
      const among = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
      const maxConnections = 1 + Math.floor(random() * 5)
      const budget = new ConnectionBudget({ maxConnections })
      const open = Array.from({ length: 2 + Math.floor(random() * 6) }, (_, index) =>
        manage(`m${index}`, budget, {
          poolSize: 1 + Math.floor(random() * 3),
          maxOverflow: Math.floor(random() * 3),
          minIdle: random() < 0.2 ? 1 : 0,
          acquireTimeoutMs: 2000,
          connectTimeoutMs: 200,
          closeTimeoutMs: 100,
          idleTimeoutMs: 500,
        }),
      )
      const held: Lease<FakeConnection>[] = []
      const waiting = new Set<Promise<unknown>>()
      const ask = (): void => {
        const abort = new AbortController()
        const acquiring = among(open)
          .acquire({ signal: abort.signal })
          .then(
            (lease) => held.push(lease),
            () => {},
          )
          .finally(() => waiting.delete(acquiring))
        waiting.add(acquiring)
        if (random() < 0.1) abort.abort()
      }
      const actions: (() => void)[] = [
        ask,
        ask,
        ask,
        () => held.splice(Math.floor(random() * held.length), 1)[0]?.release(),
        () => held.splice(Math.floor(random() * held.length), 1)[0]?.release(),
        () => held.splice(Math.floor(random() * held.length), 1)[0]?.destroy(),
        () => among(held)?.connection.signal('lost'),
        () => driver.next('connect', { afterMs: random() * 300 }),
        () => driver.next('connect', { fail: 'busy' }),
        () => driver.next('close', random() < 0.5 ? 'hang' : { afterMs: 50 }),
        () => among(open).resize({ poolSize: 1 + Math.floor(random() * 3) }),
        () => among(open).clear('test'),
        () => {
          if (open.length > 2) void open.splice(0, 1)[0]?.close({ drainTimeoutMs: 20 })
        },
      ]
      for (let step = 0; step < 200; step += 1) {
        among(actions)()
        await clock.advance(random() < 0.5 ? 0 : random() * 40)
        expect(driver.mostOpen).toBeLessThanOrEqual(maxConnections)
        expect(budget.connections).toBeLessThanOrEqual(maxConnections)
      }
      // From now on all goes well: everybody who waits is served, long before the deadlines.
      driver.always('connect', 'succeed')
      for (let round = 0; round < 500 && waiting.size > 0; round += 1) {
        for (const each of held.splice(0)) each.release()
        await clock.advance(20)
      }
      expect(waiting.size).toBe(0)
      for (const each of held.splice(0)) each.release()
      const last = Promise.all(open.map((each) => each.acquire().then((lease) => lease.release())))
      await clock.advance(1500)
      await last
      expect(driver.mostOpen).toBeLessThanOrEqual(maxConnections)
      expect(budget.connections).toBe(driver.open.length)
    },
  )
})
