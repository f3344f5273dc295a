import {
  FakeClock,
  type FakeConnection,
  FakeDriver,
  type FakeOutcome,
  fakeEndpoint,
} from '@connmgr/testing'
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

  test('serves callers in that order too while connections take long to be opened', async () => {
    driver.always('connect', { afterMs: 200 })
    const budget = new ConnectionBudget({ maxConnections: 2 })
    const [a, b, c] = [manage('a', budget), manage('b', budget), manage('c', budget)]
    const held = [c.acquire(), c.acquire()]
    await clock.advance(300)
    const served: string[] = []
    const all = [a, b, a, b].map(async (manager, index) => {
      const lease = await manager.acquire()
      served.push(`${manager.name}${index}`)
      return lease
    })
    for (const each of await Promise.all(held)) {
      each.release()
      // One place becomes free after the other, while the first caller's connection is still on its way.
      await clock.advance(50)
    }
    await clock.advance(300)
    expect(served).toEqual(['a0', 'b1'])
    for (const each of await Promise.all(all.slice(0, 2))) each.release()
    await clock.advance(1000)
    expect(served).toEqual(['a0', 'b1', 'a2', 'b3'])
    for (const each of await Promise.all(all.slice(2))) each.release()
    expect(driver.mostOpen).toBe(2)
  })

  test('a server that does not answer keeps callers of others waiting for one attempt each time, not for good', async () => {
    driver.always('connect', ({ endpoint }) => (endpoint.id === 'down' ? 'hang' : 'succeed'))
    const budget = new ConnectionBudget({ maxConnections: 1 })
    const down = manage('down', budget, { connectTimeoutMs: 1000 })
    const [b, c] = [manage('b', budget), manage('c', budget)]
    const patience = { timeoutMs: 60_000 }
    let saved = 0
    const failing = [1, 2, 3].map(async () => {
      const lease = await down.acquire(patience)
      saved += 1
      lease.release()
    })
    const work = [b, c, b, c, b, c].map(async (manager) => {
      const lease = await manager.acquire(patience)
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 400, true))
      lease.release()
    })
    let done = 0
    for (const each of work) void each.then(() => (done += 1))
    // The first attempt, which was there first, and then all who came before it failed, though it would try again meanwhile.
    await clock.advance(1000 + 6 * 500)
    expect(done).toBe(6)
    driver.always('connect', 'succeed')
    await clock.advance(20_000)
    expect(saved).toBe(3)
    await Promise.all([...failing, ...work])
    expect(driver.mostOpen).toBe(1)
  })

  test('closes no idle connection for callers who have given up', async () => {
    const budget = new ConnectionBudget({ maxConnections: 2 })
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => manage(name, budget)) as [
      Manager,
      Manager,
      Manager,
      Manager,
    ]
    const held = await Promise.all([a.acquire(), a.acquire()])
    const abort = new AbortController()
    const given = b.acquire({ signal: abort.signal }).catch((error: unknown) => error)
    await clock.advance(10)
    abort.abort()
    expect(await given).toMatchObject({ code: 'CONNMGR_ACQUIRE_ABORTED' })
    for (const each of held) each.release()
    expect(a.getCounts().idle).toBe(2)
    const acquiring = Promise.all([c.acquire()])
    await clock.advance(10)
    for (const each of await acquiring) each.release()
    expect(a.getCounts().idle).toBe(1)
    expect(d.getCounts().total).toBe(0)
  })

  test('costs one connection for each caller of many managers, and few calls', async () => {
    const limit = new ConnectionBudget({ maxConnections: 5 })
    let calls = 0
    const counted =
      <A extends unknown[], R>(call: (...args: A) => R) =>
      (...args: A): R => {
        calls += 1
        return call(...args)
      }
    jest.spyOn(limit, 'join').mockImplementation((member) =>
      ConnectionBudget.prototype.join.call(limit, {
        ...member,
        supply: counted(member.supply),
        giveUpIdle: counted(member.giveUpIdle),
      }),
    )
    const many = Array.from({ length: 200 }, (_, index) => manage(`m${index}`, limit))
    const served: string[] = []
    const all = [...many, ...many].map(async (manager) => {
      const lease = await manager.acquire()
      served.push(manager.name)
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 10, true))
      lease.release()
    })
    await clock.advance(10_000)
    await Promise.all(all)
    expect(served).toEqual([...many, ...many].map(({ name }) => name))
    expect(driver.count('connect')).toBeLessThanOrEqual(400)
    expect(driver.mostOpen).toBe(5)
    expect(calls).toBeLessThanOrEqual(2 * 400)
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

const ROUND_MS = 20
/** Of backing off, connecting and closing, until what went wrong before is over. */
const RECOVERY_ROUNDS = 100
/** To close a connection, which may hang for 100 ms, and to open another. */
const ROUNDS_PER_CALLER = 8

describe('under any mix of acquires, releases, failures, aborts, timeouts, resizes and closes', () => {
  test.each(Array.from({ length: 100 }, (_, index) => index + 1))(
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
          connectTimeoutMs: 200,
          closeTimeoutMs: 100,
          idleTimeoutMs: 500,
        }),
      )
      // Taken from here, so that what no caller has met by then does not spoil the end.
      const connects: FakeOutcome[] = []
      const closes: FakeOutcome[] = []
      driver.always('connect', () => connects.shift() ?? 'succeed')
      driver.always('close', () => closes.shift() ?? 'succeed')
      const held: Lease<FakeConnection>[] = []
      const waiting = new Set<Promise<unknown>>()
      /** Errors of callers who had time enough, did not give up, and whose manager was not closed. */
      const wrong: unknown[] = []
      const ask = (manager = among(open), hasTime = random() < 0.7): AbortController => {
        const abort = new AbortController()
        const acquiring = manager
          .acquire({ signal: abort.signal, timeoutMs: hasTime ? 1_000_000 : 300 })
          .then(
            (lease) => held.push(lease),
            (error: unknown) => {
              if (hasTime && !abort.signal.aborted && open.includes(manager)) wrong.push(error)
            },
          )
          .finally(() => waiting.delete(acquiring))
        waiting.add(acquiring)
        return abort
      }
      const actions: (() => unknown)[] = [
        () => ask(),
        () => ask(),
        () => ask(),
        () => (random() < 0.3 ? ask().abort() : undefined),
        () => held.splice(Math.floor(random() * held.length), 1)[0]?.release(),
        () => held.splice(Math.floor(random() * held.length), 1)[0]?.release(),
        () => held.splice(Math.floor(random() * held.length), 1)[0]?.destroy(),
        () => among(held)?.connection.signal('lost'),
        () => connects.push({ afterMs: random() * 300 }),
        () => connects.push({ fail: 'busy' }),
        () => closes.push(random() < 0.5 ? 'hang' : { afterMs: 50 }),
        () => among(open).resize({ poolSize: 1 + Math.floor(random() * 3) }),
        () => among(open).clear('test'),
        () => {
          if (open.length > 2) void open.splice(0, 1)[0]?.close({ drainTimeoutMs: 20 })
        },
      ]
      for (let step = 0; step < 300; step += 1) {
        among(actions)()
        await clock.advance(random() < 0.5 ? 0 : random() * 40)
        expect(driver.mostOpen).toBeLessThanOrEqual(maxConnections)
        expect(budget.connections).toBeLessThanOrEqual(maxConnections)
      }
      // From now on all goes well: everybody who waits is served, in bounded time.
      connects.length = 0
      closes.length = 0
      for (const each of open) ask(each, true)
      const callers = waiting.size
      const before = driver.count('connect')
      const bound = RECOVERY_ROUNDS + ROUNDS_PER_CALLER * callers
      let rounds = 0
      while (waiting.size > 0 && rounds < bound) {
        for (const each of held.splice(0)) each.release()
        await clock.advance(ROUND_MS)
        rounds += 1
      }
      expect({ waiting: waiting.size, wrong }).toEqual({ waiting: 0, wrong: [] })
      // No storm: at the most one connection for each caller, besides those for reserves.
      expect(driver.count('connect') - before).toBeLessThanOrEqual(callers + 2 * open.length)
      for (const each of held.splice(0)) each.release()
      await clock.advance(200)
      expect(driver.mostOpen).toBeLessThanOrEqual(maxConnections)
      expect(budget.connections).toBe(driver.open.length)
    },
  )
})
