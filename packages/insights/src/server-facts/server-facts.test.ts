import {
  describeEachProduct,
  describePgBouncer,
  type MysqlCluster,
  type PostgresCluster,
  startCluster,
  startPgBouncer,
} from '@connmgr/testing'
import { createConnection } from 'mysql2/promise'
import { Client } from 'pg'
import { readSchemaFacts } from './schema-facts.js'
import { readServerFacts } from './server-facts.js'

let cluster: PostgresCluster
const clients: Client[] = []

beforeAll(async () => {
  cluster = await startCluster({
    standbys: 1,
    settings: { idle_in_transaction_session_timeout: '7s', lock_timeout: '250ms' },
  })
})
afterAll(async () => {
  for (const client of clients) await client.end()
  await cluster?.stop()
})

async function connect(url = cluster.primary.url()): Promise<Client> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  clients.push(client)
  return client
}
const rows = (client: Client) => async (text: string) => (await client.query(text)).rows
const processId = (client: Client) => (client as unknown as { processID: number }).processID

describe('readServerFacts of PostgreSQL', () => {
  test('reads what the server allows, reserves and limits, in milliseconds', async () => {
    const client = await connect()
    const facts = await readServerFacts(rows(client), {
      database: 'postgresql',
      processId: processId(client),
    })
    expect(facts).toMatchObject({
      database: 'postgresql',
      major: 18,
      maxConnections: 100,
      reservedConnections: 3,
      usableConnections: 100,
      readOnly: false,
      encrypted: false,
      superuser: true,
      readsAllStats: true,
      timeouts: { idleInTransactionMs: 7000, lockMs: 250 },
      extensions: { pg_stat_statements: 'available', hypopg: 'missing' },
      pooler: undefined,
    })
    expect(facts.version).toMatch(/^18\.\d+$/)
    expect(facts.usedConnections).toBeGreaterThanOrEqual(1)
    expect(facts.timeouts).not.toHaveProperty('statementMs')
  })

  test('a plain role gets what is not reserved, and less where the role or its database is limited', async () => {
    const admin = await connect()
    await admin.query('create role plain login')
    const url = cluster.primary.url({ user: 'plain' })
    const facts = async (): Promise<number> =>
      (await readServerFacts(rows(await connect(url)), { database: 'postgresql' }))
        .usableConnections
    expect(await facts()).toBe(97)
    await admin.query('alter role plain connection limit 12')
    expect(await facts()).toBe(12)
    await admin.query('alter database postgres connection limit 9')
    expect(await facts()).toBe(9)
    await admin.query('alter database postgres connection limit -1')
  })

  test('tells a standby', async () => {
    const client = await connect((cluster.standbys[0] as { url(): string }).url())
    expect(await readServerFacts(rows(client), { database: 'postgresql' })).toMatchObject({
      readOnly: true,
    })
  })

  test('reads what drivers return as text as well', async () => {
    const client = await connect()
    const asText = async (text: string) =>
      (await client.query(text)).rows.map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([name, value]) => [
            name,
            value === null || typeof value === 'string'
              ? value
              : typeof value === 'boolean'
                ? value
                  ? 't'
                  : 'f'
                : JSON.stringify(value),
          ]),
        ),
      )
    expect(await readServerFacts(asText, { database: 'postgresql' })).toEqual(
      await readServerFacts(rows(client), { database: 'postgresql' }),
    )
  })
})

describePgBouncer('a pooler between', () => {
  test('is found by the process id of the connection', async () => {
    const bouncer = await startPgBouncer(cluster.primary.url())
    try {
      const client = new Client({ connectionString: bouncer.url })
      await client.connect()
      const facts = await readServerFacts(rows(client), {
        database: 'postgresql',
        processId: processId(client),
      })
      await client.end()
      expect(facts.pooler).toBeDefined()
    } finally {
      await bouncer.stop()
    }
  })
})

describe('readSchemaFacts', () => {
  test('names scanned tables, invalid and duplicate indexes, and foreign keys without an index, and nothing else', async () => {
    const client = await connect()
    await client.query(`
      create table customer (id int primary key, email text);
      create table "Order" (id int primary key, customer_id int references customer, "shopId" int, day int,
        unique ("shopId", day));
      create table line (order_id int references "Order", shop int, day int,
        foreign key (shop, day) references "Order" ("shopId", day));
      create index line_order on line (order_id);
      create index line_order_again on line (order_id);
      create index line_other_way on line (order_id desc);
      create index line_days on line (day, shop, order_id);
      insert into customer select n, 'a' || n % 2 from generate_series(1, 500) n;`)
    await expect(
      client.query('create unique index concurrently broken on customer (email)'),
    ).rejects.toThrow('could not create unique index')
    await client.query("select * from customer where email = 'a1'")
    await client.query('select pg_stat_force_next_flush()')
    const facts = await readSchemaFacts(rows(await connect()))
    expect(facts.indexFaults.map(({ bytes: _, ...rest }) => rest)).toEqual(
      expect.arrayContaining([
        { table: 'customer', index: 'broken', fault: 'invalid' },
        { table: 'line', index: 'line_order_again', fault: 'duplicate', sameAs: 'line_order' },
      ]),
    )
    expect(facts.indexFaults).toHaveLength(2)
    expect(facts.unindexedForeignKeys).toEqual([
      expect.objectContaining({
        table: '"Order"',
        columns: ['customer_id'],
        references: 'customer',
      }),
    ])
    expect(facts.scannedTables.find(({ table }) => table === 'customer')).toMatchObject({
      indexScans: 0,
    })
  })
})

describeEachProduct('readServerFacts', ({ product, start }) => {
  let cluster: MysqlCluster
  beforeAll(async () => {
    cluster = await start()
  })
  afterAll(() => cluster?.stop())

  test('reads limits and timeouts', async () => {
    const connection = await createConnection(cluster.primary.url())
    try {
      await connection.query('set session wait_timeout = 77')
      const facts = await readServerFacts(
        async (text) => (await connection.query(text))[0] as object[],
        { database: 'mysql' },
      )
      expect(facts).toMatchObject({
        database: 'mysql',
        reservedConnections: 0,
        readOnly: false,
        encrypted: false,
        timeouts: { idleSessionMs: 77_000 },
      })
      expect(/MariaDB/.test(facts.version)).toBe(product.name === 'MariaDB')
      expect(facts.maxConnections).toBeGreaterThan(0)
      expect(facts.usableConnections).toBeLessThanOrEqual(facts.maxConnections)
    } finally {
      await connection.end()
    }
  })
})
