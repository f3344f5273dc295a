import { type PostgresCluster, startCluster } from '@connmgr/testing'
import pg from 'pg'
import { classify } from './classify.js'
import { internalsOf } from './client-internals.js'
import { createConnectionManager } from './create-connection-manager.js'

test.each([
  ['server login has been failing, try again later (server_login_retry)', 'unreachable'],
  ['server login failed: FATAL the database system is starting up', 'unreachable'],
  ['client_login_timeout (server down)', 'unreachable'],
  ['query_wait_timeout', 'unreachable'],
  ['no more connections allowed (max_client_conn)', 'busy'],
  ['no such database: shop', 'setup'],
  ['unsupported startup parameter: statement_timeout', 'setup'],
  ['server conn crashed?', 'lost'],
  ['idle transaction timeout', 'lost'],
])('what PgBouncer says: %s is %s', (message, kind) => {
  expect(classify(Object.assign(new Error(message), { code: '08P01' }))).toBe(kind)
})

describe('a statement that PgBouncer refuses as it has no server', () => {
  let cluster: PostgresCluster
  beforeAll(async () => {
    cluster = await startCluster()
    await cluster.primary.query('create table entry (id int)')
  })
  afterAll(() => cluster.stop())

  /** Clients to which inserts are refused for some times, as by a PgBouncer: the server sees nothing of them. */
  function refusing(times: number) {
    const seen = { refused: 0 }
    class Client extends pg.Client {}
    Object.defineProperty(Client.prototype, 'query', {
      value(this: pg.Client, ...args: Parameters<pg.Client['query']>) {
        const [query] = args as unknown as [{ text?: string } | string]
        const text = typeof query === 'string' ? query : query.text
        const refused = text?.startsWith('insert') === true && seen.refused < times
        const { connection } = internalsOf(this)
        if (refused) connection?.stream.cork()
        const result = pg.Client.prototype.query.apply(this, args)
        if (refused) {
          seen.refused += 1
          const fields = { code: '08P01', severity: 'FATAL' }
          const refusal = Object.assign(new Error('server login has been failing'), fields)
          connection?.emit('errorMessage', refusal)
          connection?.stream.destroy()
        }
        return result
      },
    })
    return { seen, Client }
  }

  test('is sent again by pool.query, for nothing can have come of it', async () => {
    const { seen, Client } = refusing(1)
    const manager = createConnectionManager({
      databaseUrl: cluster.primary.url(),
      failoverUrls: [],
      logger: false,
      Client,
    })
    await manager.pool.query('insert into entry values ($1)', [1])
    expect(seen.refused).toBe(1)
    expect(await cluster.primary.query('select id from entry')).toEqual([{ id: 1 }])
    await manager.close()
  })

  test('fails if it is refused again and again, and is known not to have been sent', async () => {
    const { Client } = refusing(Number.POSITIVE_INFINITY)
    const manager = createConnectionManager({
      databaseUrl: cluster.primary.url(),
      failoverUrls: [],
      logger: false,
      Client,
    })
    await expect(manager.pool.query('insert into entry values ($1)', [2])).rejects.toMatchObject({
      code: 'CONNMGR_CONNECTION_LOST',
      sent: false,
    })
    await manager.close()
  })
})
