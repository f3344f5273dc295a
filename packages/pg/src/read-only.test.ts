import { type PostgresCluster, startCluster } from '@connmgr/testing'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'
import type { PgManagerOptions } from './manager-options.js'

let cluster: PostgresCluster
let manager: PgConnectionManager

beforeAll(async () => {
  cluster = await startCluster({ standbys: 1 })
  await cluster.primary.query('create table item (n int)')
  await cluster.primary.query('alter system set default_transaction_read_only = on')
  await cluster.primary.query('select pg_reload_conf()')
})
afterAll(() => cluster.stop())
afterEach(() => manager.close({ drainTimeoutMs: 0 }))

const standbyUrl = (): string => cluster.standbys[0]?.url() ?? ''
function open(options: PgManagerOptions): PgConnectionManager {
  manager = createConnectionManager({ logger: false, ...options })
  return manager
}
const isRead = async (query: Promise<{ rows: unknown[] }>) =>
  expect((await query).rows).toEqual([{ n: 1 }])

test.each([
  ['a primary that is read-only', () => cluster.primary.url()],
  ['a standby', standbyUrl],
])(
  'with the URL of %s alone reads go on, and writes get the 25006 of the server',
  async (_what, url) => {
    open({ databaseUrl: url() })
    for (let round = 0; round < 3; round += 1) {
      await isRead(manager.pool.query('select 1 as n'))
      await isRead(manager.use((client) => client.query('select 1 as n')))
      await isRead(manager.replica.query('select 1 as n'))
      await expect(manager.pool.query('insert into item values (1)')).rejects.toMatchObject({
        code: '25006',
        message: expect.stringContaining('read-only'),
      })
    }
  },
)

test('with several servers reads go on, and the primary is refused with words that say read-only', async () => {
  open({ databaseUrl: cluster.primary.url(), failoverUrls: [standbyUrl()] })
  await manager.start()
  await isRead(manager.replica.query('select 1 as n'))
  for (const target of ['any', 'prefer-standby', 'standby'] as const)
    await isRead(manager.use((client) => client.query('select 1 as n'), { target }))
  await expect(manager.acquire({ timeoutMs: 500 })).rejects.toMatchObject({
    code: 'CONNMGR_ACQUIRE_TIMEOUT',
    message: expect.stringContaining('is read-only: it refuses writes'),
  })
})

test('and go on at the read-only primary when there is no other server to read from', async () => {
  const [standby] = cluster.standbys
  await standby?.stop()
  open({ databaseUrl: cluster.primary.url(), failoverUrls: [standbyUrl()] })
  await isRead(manager.replica.query('select 1 as n'))
  await isRead(manager.use((client) => client.query('select 1 as n'), { target: 'any' }))
  await standby?.start()
})
