import * as drizzle from '@connmgr/drizzle'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { eventually, type PostgresCluster, startCluster } from '@connmgr/testing'
import * as typeorm from '@connmgr/typeorm'
import { eq } from 'drizzle-orm'
import type { QueryConfig } from 'pg'
import { DataSource } from 'typeorm'
import { lineOf } from '../../test/planted.js'
import { POSTS_TABLES, Post, posts } from '../../test/posts.js'
import { type Insights, insights } from '../index.js'

/** Runs within which a jump shows or is over, with much to spare for a machine that does other things. */
const ENOUGH = 4000
const ATTEMPTS = 4
const FIRST_POST = 'select id, title from "Post" where "authorId" = $1 order by id limit 1'
const USER = 'select email from "User" where id = $1'

/** Sends the statement whose plan for all values is wrong, as it comes and as one that opts out. */
interface Subject {
  skewed(author: number): Promise<unknown>
  optedOut(author: number): Promise<unknown>
  close(): Promise<unknown>
}

async function openPool(manager: PgConnectionManager): Promise<Subject> {
  return {
    async skewed(author) {
      await manager.pool.query(FIRST_POST, [author]) // MARK: pool skewed
    },
    optedOut: (author) =>
      manager.pool.query({ text: FIRST_POST, values: [author], prepare: false } as QueryConfig),
    close: async () => {},
  }
}

async function openTypeorm(manager: PgConnectionManager): Promise<Subject> {
  const dataSource = await new DataSource(
    typeorm.withConnectionManager({ type: 'postgres', entities: [Post] }, manager),
  ).initialize()
  const posts = dataSource.getRepository(Post)
  const first = (author: number) =>
    posts.findOne({ where: { authorId: author }, order: { id: 'ASC' } })
  return {
    async skewed(author) {
      await posts.findOne({ where: { authorId: author }, order: { id: 'ASC' } }) // MARK: typeorm skewed
    },
    optedOut: (author) => manager.unprepared(() => first(author)),
    close: () => dataSource.destroy(),
  }
}

let cluster: PostgresCluster
let manager: PgConnectionManager
let watched: Insights

/** Author 1 has all posts but the last 600; the others have six each. */
beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query(
    `${POSTS_TABLES};
     insert into "User" (email) select 'u' || n from generate_series(1, 100) n;
     insert into "Post" (title, "authorId") select 'p' || n, case when n <= 59400 then 1 else 2 + n % 99 end
       from generate_series(1, 60000) n;
     create index "Post_author" on "Post" ("authorId");
     analyze "User", "Post"`,
  )
})
beforeEach(open)
afterEach(close)
afterAll(() => cluster.stop())

async function open(): Promise<void> {
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    poolSize: 2,
    maxOverflow: 0,
    logger: false,
  })
  watched = insights(manager, { slowMs: 60_000 })
  await manager.pool.query('select')
  await eventually(() => manager.getStatementStats().off.length === 0)
}

async function close(): Promise<void> {
  await watched.close()
  await manager.close({ drainTimeoutMs: 0 })
}

const author = (n: number): number => 2 + (n % 99)

async function happens(is: () => boolean, work: (n: number) => Promise<unknown>): Promise<boolean> {
  for (let n = 0; n < ENOUGH && !is(); n += 1) await work(n)
  return is()
}

test.each([
  ['pool', openPool],
  ['typeorm', openTypeorm],
] as const)(
  '%s: a statement that its generic plan makes slower is named by its line until it opts out',
  async (name, openSubject) => {
    let subject = await openSubject(manager)
    const jumped = () => watched.planJumps().length > 0
    const skewed = async (n: number): Promise<void> => {
      await subject.skewed(author(n))
      await manager.pool.query(USER, [author(n)])
    }
    for (let times = 1; !(await happens(jumped, skewed)); times += 1) {
      // A machine that does other things in the few runs with plans for their values leaves nothing to compare with.
      expect(times).toBeLessThan(ATTEMPTS)
      await subject.close()
      await close()
      await open()
      subject = await openSubject(manager)
    }
    const site = { file: __filename, line: lineOf(__filename, `${name} skewed`) }
    const [verdict, ...others] = watched.planJumps()
    expect(others).toEqual([])
    expect(verdict).toMatchObject({ site, plans: undefined })
    expect(verdict?.text).toContain('"Post"')
    expect(verdict?.after.p50Ms).toBeGreaterThan(2 * (verdict?.before.p50Ms as number))

    // So that the server has some to count since it was last prepared anew.
    for (let n = 0; n < 20; n += 1) await subject.skewed(author(n))
    await watched.refresh()
    expect(watched.planJumps()[0]?.plans?.genericPlans).toBeGreaterThan(10)
    const found = watched.recommendations().filter(({ code }) => code === 'generic-plan')
    expect(found).toMatchObject([{ severity: 'warning', site, statement: { text: verdict?.text } }])
    expect(found[0]?.costMs).toBeGreaterThan(0)
    expect(found[0]?.evidence.join('\n')).toMatch(
      /times by its generic plan, and \d+ times by custom/,
    )
    expect(found[0]?.fix).toContain('prepare: false')
    expect(watched.report()).toContain('Slower by the plan that the server keeps for all values')

    const over = await happens(
      () => !jumped(),
      (n) => subject.optedOut(author(n)),
    )
    expect(over).toBe(true)
    for (let n = 0; n < 50; n += 1) await subject.optedOut(author(n))
    expect(watched.planJumps()).toEqual([])
    expect(watched.recommendations().map(({ code }) => code)).not.toContain('generic-plan')
    await subject.close()
  },
)

test('a healthy statement with noisy times is not accused, nor one that a lock or load makes slow', async () => {
  const noisy = 'select email, pg_sleep($2::float8) from "User" where id = $1'
  const work = (n: number, atLeastMs: number) =>
    manager.pool.query(noisy, [
      n,
      Math.max(atLeastMs / 1000, Math.min(0.05, 0.0002 / (1 - Math.random()) ** 1.2)),
    ])
  for (let n = 0; n < 300; n += 1) {
    // From the middle on all of it takes longer.
    await Promise.all([work(n, n < 150 ? 0 : 2), work(n, n < 150 ? 0 : 2)])
    expect(watched.planJumps()).toEqual([])
  }
  expect(manager.getStatementStats().times[0]?.runs).toBeGreaterThan(500)
})

describe('what runs within unprepared() is not prepared', () => {
  const runsOf = (part: string) =>
    manager.getStatementStats().times.find((each) => each.text.includes(part))?.runs

  test('by Drizzle', async () => {
    const db = drizzle.withConnectionManager({}, manager)
    const read = (id: number) => db.select().from(posts).where(eq(posts.authorId, id))
    for (let n = 0; n < 8; n += 1) await read(author(n))
    expect(runsOf('"Post"')).toBe(4)
    for (let n = 0; n < 8; n += 1) await manager.unprepared(() => read(author(n)))
    expect(runsOf('"Post"')).toBe(4)
  })
})
