import { FakeClock, type FakeConnection, FakeDriver, fakeEndpoint } from '@connmgr/testing'
import type { Endpoint } from '../driver/contract.js'
import type { EventOf } from '../events/events.js'
import { ConnectionManager } from '../manager.js'
import type { ManagerOptions } from '../options.js'
import { ConnectionBudget } from '../pool/connection-budget.js'
import { Tenants } from '../tenants.js'

type Manager = ConnectionManager<FakeConnection>

function endpointOf(id: string, account: string): Endpoint {
  const endpoint = fakeEndpoint(id)
  return Object.defineProperty({ ...endpoint, account }, 'config', { value: endpoint.config })
}

let clock: FakeClock
let managers: Manager[]
let reported: EventOf<'managerDuplicated'>[]
let lines: string[]

beforeEach(() => {
  clock = new FakeClock()
  managers = []
  reported = []
  lines = []
})

afterEach(async () => {
  const closing = Promise.all(managers.map((each) => each.close({ drainTimeoutMs: 10 })))
  await clock.advance(1000)
  await closing
})

function manage(
  name: string,
  {
    user = 'app',
    endpoint = 'db',
    ...options
  }: ManagerOptions<FakeConnection> & { user?: string; endpoint?: string } = {},
): Manager {
  const log = (): void => {}
  const warn = (line: string): unknown => lines.push(line)
  const manager = new ConnectionManager<FakeConnection>({
    driver: new FakeDriver({ clock }),
    endpoints: [endpointOf(endpoint, user)],
    options: { name, clock, logger: { debug: log, info: log, warn, error: warn }, ...options },
  })
  manager.on('managerDuplicated', (event) => reported.push(event))
  managers.push(manager)
  return manager
}

async function manageMany(count: number, options: Parameters<typeof manage>[1] = {}) {
  const made = Array.from({ length: count }, (_, index) => manage(`m${index + 1}`, options))
  await clock.advance(1500)
  return made
}

describe('many open managers of one database and user', () => {
  test('are reported once, with their number, the server and what to do', async () => {
    await manageMany(3)
    expect(reported).toEqual([])
    await manageMany(1)
    await manageMany(6)
    expect(reported).toEqual([
      { type: 'managerDuplicated', pool: 'm1', endpoint: 'db', managers: 4 },
    ])
    expect(lines).toEqual([
      expect.stringMatching(
        /^connmgr "m1": 4 managers of this process lead to db as the same user.*once\(\).*ConnectionBudget.*createTenants\(\)/,
      ),
    ])
  })

  test('that were made at once are reported with their full number', async () => {
    await manageMany(10)
    expect(reported).toMatchObject([{ managers: 10 }])
  })

  test('are reported though one of them was closed meanwhile', async () => {
    const made = Array.from({ length: 6 }, (_, index) => manage(`m${index}`))
    await clock.advance(10)
    const closing = made[5]?.close()
    await clock.advance(1500)
    await closing
    expect(reported).toMatchObject([{ managers: 5 }])
  })

  test('may be of several copies of this package', async () => {
    await manageMany(3)
    const copy = await new Promise<typeof ConnectionManager>((resolve) =>
      jest.isolateModules(() => resolve(require('../manager.js').ConnectionManager)),
    )
    expect(copy).not.toBe(ConnectionManager)
    const other = new copy<FakeConnection>({
      driver: new FakeDriver({ clock }),
      endpoints: [endpointOf('db', 'app')],
      options: { name: 'copy', clock, logger: false },
    })
    managers.push(other)
    other.on('managerDuplicated', (event) => reported.push(event))
    await clock.advance(1500)
    expect(reported).toMatchObject([{ pool: 'copy', managers: 4 }])
  })

  test('are counted from their first use on if nothing is monitored', async () => {
    const made = await manageMany(4, { healthMonitoring: false })
    expect(reported).toEqual([])
    for (const each of made) await each.use(() => {})
    await clock.advance(1500)
    expect(reported).toMatchObject([{ managers: 4 }])
  })

  test('are reported again if all were closed in between', async () => {
    for (let round = 0; round < 2; round += 1) {
      const closing = (await manageMany(4)).map((each) => each.close())
      await clock.advance(100)
      await Promise.all(closing)
    }
    expect(reported).toHaveLength(2)
  })
})

describe('nothing is reported of', () => {
  test('managers that are closed after use, one after the other or many at once', async () => {
    for (const count of [1, 1, 1, 1, 1, 8]) {
      const made = Array.from({ length: count }, (_, index) => manage(`m${index}`))
      const used = Promise.all(
        made.map(async (each) => {
          await each.use(() => {})
          await each.close()
        }),
      )
      await clock.advance(500)
      await used
      await clock.advance(2000)
    }
    expect(reported).toEqual([])
  })

  test('managers of several databases, servers or users', async () => {
    for (let index = 0; index < 6; index += 1) {
      manage('a', { endpoint: `db${index}` })
      manage('b', { user: `user${index}` })
    }
    await clock.advance(1500)
    expect(reported).toEqual([])
  })

  test('managers that share a budget', async () => {
    await manageMany(6, { budget: new ConnectionBudget({ maxConnections: 5 }) })
    expect(reported).toEqual([])
  })

  test('managers of tenants, with or without a limit', async () => {
    for (const maxConnections of [0, 10]) {
      const tenants = new Tenants<number, Manager, object>({
        clock,
        maxConnections,
        resolve: () => ({}),
        create: (_, { name, budget }) => manage(name, budget === undefined ? {} : { budget }),
      })
      const used = Promise.all([1, 2, 3, 4, 5, 6].map((id) => tenants.get(id)))
      await clock.advance(2000)
      await used
      expect(tenants.size).toBe(6)
      const closing = tenants.close()
      await clock.advance(1000)
      await closing
    }
    expect(reported).toEqual([])
  })
})
