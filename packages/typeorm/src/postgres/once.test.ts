import { type PostgresCluster, startCluster } from '@connmgr/testing'
import type { DataSource } from 'typeorm'
import type * as Adapter from '../index.js'

let cluster: PostgresCluster
let opened: DataSource[] = []

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())
afterEach(async () => {
  for (const each of opened) if (each.isInitialized) await each.destroy()
  opened = []
})

/** Loads a module of the user's, and all that it imports, as a development server does after each change. */
function reload<T>(define: (adapter: typeof Adapter, orm: typeof import('typeorm')) => T): T {
  let defined: T | undefined
  jest.isolateModules(() => {
    defined = define(require('../index.js'), require('typeorm'))
  })
  return defined as T
}

const options = () => ({ type: 'postgres' as const, url: cluster.primary.url() })
const ask = async (dataSource: DataSource) => (await dataSource.query('select 1 as n'))[0].n

test('a module that is loaded again has the DataSource and the manager that it had before', async () => {
  const load = () =>
    reload(({ getConnections, once, withConnectionManager }, { DataSource }) => {
      const dataSource = once(
        'typeorm',
        () => new DataSource(withConnectionManager(options(), { poolSize: 2, logger: false })),
      )
      return { dataSource, getConnections }
    })
  const first = load()
  opened.push(first.dataSource)
  await first.dataSource.initialize()
  expect(await ask(first.dataSource)).toBe(1)
  const manager = first.getConnections(first.dataSource)
  const again = load()
  expect(again.dataSource).toBe(first.dataSource)
  expect(again.getConnections(again.dataSource)).toBe(manager)
  expect(await ask(again.dataSource)).toBe(1)
  expect(manager.getPoolMetrics().totalConnectionsCreated).toBe(1)
  // A DataSource can be opened again, with a manager of its own.
  await first.dataSource.destroy()
  expect(manager.closed).toBe(true)
  const reopened = load()
  await reopened.dataSource.initialize()
  expect(await ask(reopened.dataSource)).toBe(1)
  expect(reopened.getConnections(reopened.dataSource).closed).toBe(false)
})

test('a DataSource that is opened with it is opened once, and anew after destroy', async () => {
  const load = () =>
    reload(({ once, withConnectionManager }, { DataSource }) =>
      once('opened', async () => {
        const dataSource = new DataSource(withConnectionManager(options(), { logger: false }))
        opened.push(dataSource)
        return dataSource.initialize()
      }),
    )
  const [first, second] = await Promise.all([load(), load()])
  expect(second).toBe(first)
  expect(opened).toHaveLength(1)
  await first.destroy()
  const third = await load()
  expect(third).not.toBe(first)
  expect(await ask(third)).toBe(1)
})
