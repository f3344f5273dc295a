import { eventually, type PostgresCluster, startCluster } from '@connmgr/testing'
import type * as Pg from './index.js'

let cluster: PostgresCluster
let managers: Pg.PgConnectionManager[] = []

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())
afterEach(async () => {
  await Promise.all(managers.map((each) => each.close()))
  managers = []
})

/** What a module of the user's exports, which a development server loads again after each change. */
function reload(define: (pg: typeof Pg) => Pg.PgConnectionManager): Pg.PgConnectionManager {
  let manager: Pg.PgConnectionManager | undefined
  jest.isolateModules(() => {
    manager = define(require('./index.js') as typeof Pg)
  })
  managers.push(manager as Pg.PgConnectionManager)
  return manager as Pg.PgConnectionManager
}

const options = (): Pg.PgManagerOptions => ({ databaseUrl: cluster.primary.url(), logger: false })
const answers = async (manager: Pg.PgConnectionManager) =>
  expect((await manager.pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])

test('a module that is loaded again has the manager that it had before, until that is closed', async () => {
  const load = () =>
    reload(({ createConnectionManager, once }) =>
      once('main', () => createConnectionManager(options())),
    )
  const first = load()
  await answers(first)
  expect(load()).toBe(first)
  await answers(load())
  expect(first.getPoolMetrics().totalConnectionsCreated).toBe(1)
  await first.close()
  const next = load()
  expect(next).not.toBe(first)
  await answers(next)
})

test('a module that makes a manager each time is reported, with the database and the user, without the password', async () => {
  const lines: string[] = []
  const logger = {
    debug: () => {},
    info: () => {},
    warn: (line: string) => lines.push(line),
    error: () => {},
  }
  const databaseUrl = cluster.primary.url({ password: 'hunter2' })
  const load = (given: Pg.PgManagerOptions) =>
    reload(({ createConnectionManager }) => createConnectionManager(given))
  // The same database and user, spelt otherwise and with other options.
  const alike: Pg.PgManagerOptions[] = [
    { databaseUrl, poolSize: 2 },
    { databaseUrl: `${cluster.primary.url()}?application_name=shop`, healthMonitoring: false },
    {
      host: cluster.primary.host,
      port: cluster.primary.port,
      user: 'postgres',
      database: 'postgres',
    },
    { databaseUrl, password: () => 'hunter2' },
  ]
  for (const each of alike) await answers(load({ logger, ...each }))
  await eventually(() => lines.length > 0)
  expect(lines).toEqual([
    expect.stringContaining(
      `4 managers of this process lead to ${cluster.primary.host}:${cluster.primary.port}/postgres as the same user`,
    ),
  ])
  expect(lines[0]).toContain('once()')
  expect(lines[0]).not.toContain('hunter2')
})
