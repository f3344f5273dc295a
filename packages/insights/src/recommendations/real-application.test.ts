import { setTimeout as delay } from 'node:timers/promises'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { eventually, type PostgresCluster, startCluster } from '@connmgr/testing'
import type { Alert } from '../alerts/alert.js'
import { alerts } from '../alerts/alerts.js'
import { type Insights, insights } from '../insights.js'
import { readSchemaFacts } from '../server-facts/schema-facts.js'
import { readServerFacts } from '../server-facts/server-facts.js'
import { poolFacts } from './facts.js'
import type { Recommendation } from './recommendation.js'
import { recommendations } from './recommendations.js'

let cluster: PostgresCluster
let manager: PgConnectionManager
let watched: Insights

beforeAll(async () => {
  cluster = await startCluster({ settings: { idle_in_transaction_session_timeout: '60s' } })
})
afterAll(() => cluster?.stop())
beforeEach(async () => {
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    logger: false,
    name: 'shop',
  })
  await manager.use((client) =>
    client.query(`
      drop table if exists posts, users;
      create table users (id int primary key, email text);
      create table posts (id int primary key, user_id int references users, title text);
      create index posts_users on posts (user_id);
      insert into users select n, 'u' || n from generate_series(1, 30000) n;
      insert into posts select n, n % 1000 + 1, 't' || n from generate_series(1, 5000) n;
      analyze users, posts`),
  )
  watched = insights(manager, { plans: true })
})
afterEach(async () => {
  await watched.close()
  await manager.close()
})

async function verdicts(): Promise<Recommendation[]> {
  const { schema, server } = await manager.use(async (client) => {
    const query = async (text: string) => (await client.query(text)).rows
    await query('select pg_stat_force_next_flush()')
    return {
      server: await readServerFacts(query, { database: 'postgresql' }),
      schema: await readSchemaFacts(query),
    }
  })
  return recommendations(watched.snapshot(), { pool: poolFacts(manager), server, schema })
}
const named = (found: readonly Recommendation[]) =>
  found.map(({ code, site }) => [code, site?.functionName])

async function listPosts(user: number): Promise<void> {
  await manager.pool.query('select * from posts where user_id = $1', [user])
}
async function rename(user: number): Promise<void> {
  await manager.transaction(async (client) => {
    await client.query('select * from users where id = $1 for update', [user])
    await client.query('update users set email = email where id = $1', [user])
  })
}

test('an application that is well gets no recommendation', async () => {
  for (let turn = 0; turn < 150; turn += 1)
    await Promise.all([listPosts(turn), listPosts(turn + 1), rename(turn + 1), rename(turn + 500)])
  await watched.refresh()
  expect(await verdicts()).toEqual([])
})

test('a service that is called inside a transaction is named by its place in the code, in recommendations and in alerts', async () => {
  async function chargeInside(user: number): Promise<void> {
    await manager.transaction(async (client) => {
      await client.query('select * from users where id = $1', [user])
      // Stands for a call of a payment service.
      await delay(250)
      await client.query('update users set email = email where id = $1', [user])
    })
  }
  for (let turn = 0; turn < 4; turn += 1)
    await Promise.all([chargeInside(turn + 1), listPosts(turn)])
  const found = await verdicts()
  expect(named(found)).toEqual([['idle-in-transaction', 'chargeInside']])
  expect(found[0]?.site?.file).toBe(__filename)
  expect(found[0]?.evidence.join()).toContain('4 of 4 leases')

  const reported: Alert[] = []
  const watch = alerts({
    managers: manager,
    insights: watched,
    rules: [{ name: 'Always', when: () => true }],
    sinks: [(sent) => void reported.push(...sent)],
  })
  watch.evaluate()
  await eventually(() => reported.length > 0)
  await watch.close()
  expect(reported[0]?.annotations.held_idle).toMatch(
    /^chargeInside \(.*real-application\.test\.ts:\d+:\d+\) held .* idle over 4 leases/,
  )
})

test('a missing index is named with its table, columns and statement', async () => {
  async function findByEmail(email: string): Promise<void> {
    await manager.pool.query('select id from users where email = $1', [email])
  }
  for (let turn = 0; turn < 30; turn += 1)
    await Promise.all([findByEmail(`u${turn}`), listPosts(turn)])
  await watched.refresh()
  const found = await verdicts()
  expect(named(found)).toEqual([['missing-index', 'findByEmail']])
  expect(found[0]?.fix).toContain('create index concurrently on users (email)')
  await manager.use((client) => client.query('create index on users (email)'))
  await watched.refresh()
  expect(named(await verdicts()).filter(([code]) => code === 'missing-index')).toEqual([])
})

test('a connection that is not returned is named', async () => {
  const leaking = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    logger: false,
    leakDetection: { thresholdMs: 200, captureStack: 'always' },
  })
  try {
    async function forget() {
      return leaking.acquire()
    }
    const lease = await forget()
    await eventually(() => leaking.detectLeaks().length > 0)
    const found = recommendations(watched.snapshot(), { pool: poolFacts(leaking) })
    expect(found.map(({ code }) => code)).toEqual(['leak'])
    expect(found[0]?.title).toMatch(
      /^forget \(.*real-application\.test\.ts:\d+:\d+\) has not returned 1 connection$/,
    )
    lease.release()
  } finally {
    await leaking.close()
  }
})
