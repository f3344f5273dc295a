import { FakeClock, type FakeConnection, FakeDriver, fakeEndpoint } from '@connmgr/testing'
import { ConnectionManager } from './manager.js'
import type { ManagerOptions } from './options.js'
import { ConnectionBudget } from './pool/connection-budget.js'
import { type TenantLimits, Tenants } from './tenants.js'

type Manager = ConnectionManager<FakeConnection>
type Options = ManagerOptions<FakeConnection>

let clock: FakeClock
let driver: FakeDriver
let made: Manager[]
let tenants: Tenants<string, Manager, Options>

function open(
  limits: TenantLimits = {},
  resolve: (id: string) => Options | Promise<Options> = () => ({}),
): void {
  tenants = new Tenants<string, Manager, Options>({
    clock,
    ...limits,
    resolve,
    create: (options, { name, budget }) => {
      const manager = new ConnectionManager<FakeConnection>({
        driver,
        endpoints: [fakeEndpoint(name)],
        options: {
          name,
          budget,
          clock,
          logger: false,
          prePing: false,
          healthMonitoring: false,
          ...options,
        } as Options,
      })
      made.push(manager)
      return manager
    },
  })
}

beforeEach(() => {
  clock = new FakeClock()
  driver = new FakeDriver({ clock })
  made = []
})

afterEach(async () => {
  const closing = tenants.close({ drainTimeoutMs: 10 })
  await clock.advance(5000)
  await closing
  expect(made.filter((each) => !each.closed)).toEqual([])
})

const use = (id: string): Promise<void> => tenants.run(id, (manager) => manager.use(async () => {}))

describe('tenants', () => {
  test('get a manager at their first use, and keep it', async () => {
    open()
    await Promise.all([use('a'), use('a'), use('b')])
    expect(made).toHaveLength(2)
    expect(await tenants.get('a')).toBe(made[0])
    expect(tenants.ids).toEqual(['b', 'a'])
    expect(made.map((each) => each.name)).toEqual(['tenant a', 'tenant b'])
  })

  test('whose options cannot be found fail, and are asked for anew', async () => {
    let attempts = 0
    open({}, async (id) => {
      attempts += 1
      if (attempts === 1) throw new Error(`no tenant ${id}`)
      return {}
    })
    const first = [use('a'), use('a')].map((each) => each.catch((error: Error) => error.message))
    expect(await Promise.all(first)).toEqual(['no tenant a', 'no tenant a'])
    expect(tenants.size).toBe(0)
    await use('a')
    expect(attempts).toBe(2)
  })

  test('above the limit lose the manager that was used least lately', async () => {
    open({ maxTenants: 2 })
    await use('a')
    await use('b')
    await use('a')
    await use('c')
    expect(tenants.ids).toEqual(['a', 'c'])
    await clock.advance(10)
    expect(made.map((each) => each.closed)).toEqual([false, true, false])
    await use('b')
    expect(tenants.ids).toEqual(['c', 'b'])
  })

  test('in use keep their managers, however many there are, and lose them afterwards', async () => {
    open({ maxTenants: 1 })
    let finish = (): void => {}
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    const working = ['a', 'b', 'c'].map((id) => tenants.run(id, () => finished))
    const lease = await (await tenants.get('d')).acquire()
    await use('e')
    await clock.advance(10)
    expect(tenants.ids).toEqual(['a', 'b', 'c', 'd'])
    finish()
    await Promise.all(working)
    expect(tenants.ids).toEqual(['d'])
    lease.release()
  })

  test('that have been idle for long lose their managers, with all connections', async () => {
    open({ idleMs: 1000 })
    await use('a')
    const lease = await (await tenants.get('b')).acquire()
    await clock.advance(3000)
    expect(tenants.ids).toEqual(['b'])
    expect(driver.open).toHaveLength(1)
    lease.release()
    await clock.advance(3000)
    expect(tenants.size).toBe(0)
    expect(driver.open).toHaveLength(0)
  })

  test('have no more connections together than is allowed, and share them in turn', async () => {
    open({ maxConnections: 2 })
    let working = 0
    let most = 0
    const work = (id: string): Promise<void> =>
      tenants.run(id, (manager) =>
        manager.use(async () => {
          working += 1
          most = Math.max(most, working)
          await new Promise<void>((resolve) => clock.setTimeout(resolve, 10))
          working -= 1
        }),
      )
    const all = Promise.all(Array.from({ length: 40 }, (_, index) => work(`t${index % 8}`)))
    await clock.advance(2000)
    await all
    expect(most).toBe(2)
    expect(driver.mostOpen).toBe(2)
    expect(tenants.budget?.connections).toBeLessThanOrEqual(2)
  })

  test('may share a limit with others', async () => {
    const budget = new ConnectionBudget({ maxConnections: 1 })
    open({ budget })
    await use('a')
    await use('b')
    expect(driver.mostOpen).toBe(1)
    expect(budget.connections).toBe(1)
  })

  test('are let finish by close, and refused from then on', async () => {
    open()
    const lease = await (await tenants.get('a')).acquire()
    const closing = tenants.close({ drainTimeoutMs: 1000 })
    expect(tenants.close()).toBe(closing)
    await expect(use('a')).rejects.toMatchObject({ code: 'CONNMGR_POOL_CLOSED' })
    await expect(tenants.get('b')).rejects.toMatchObject({ code: 'CONNMGR_POOL_CLOSED' })
    await clock.advance(500)
    lease.release()
    await clock.advance(10)
    await closing
    expect(driver.open).toHaveLength(0)
  })

  test('that are being made when all are closed are not made any more', async () => {
    let found = (_: Options): void => {}
    open(
      {},
      () =>
        new Promise<Options>((resolve) => {
          found = resolve
        }),
    )
    const using = use('a').catch((error: { code: string }) => error.code)
    await clock.advance(1)
    const closing = tenants.close()
    found({})
    expect(await using).toBe('CONNMGR_POOL_CLOSED')
    await closing
    expect(made).toEqual([])
  })

  test('can be removed one by one', async () => {
    open()
    await use('a')
    const removing = tenants.remove('a')
    await clock.advance(10)
    expect(await removing).toBe(true)
    expect(await tenants.remove('a')).toBe(false)
    expect(made[0]?.closed).toBe(true)
    await use('a')
    expect(made).toHaveLength(2)
  })

  test('whose manager was closed by a caller get another', async () => {
    open()
    const closing = (await tenants.get('a')).close()
    await clock.advance(10)
    await closing
    await use('a')
    expect(made).toHaveLength(2)
  })

  test.each([
    [{ maxTenants: 0 }, 'maxTenants'],
    [{ maxConnections: -1 }, 'maxConnections'],
    [{ idleMs: 1.5 }, 'idleMs'],
    [{ maxTenant: 5 }, 'maxTenant'],
    [{ maxConnections: 5, budget: new ConnectionBudget({ maxConnections: 5 }) }, 'maxConnections'],
  ])('refuse %j', (limits, option) => {
    open()
    const create = (): never => {
      throw new Error('not reached')
    }
    expect(() => new Tenants({ resolve: () => ({}), create, ...limits } as never)).toThrow(
      expect.objectContaining({ code: 'CONNMGR_INVALID_OPTION', option }),
    )
  })
})
