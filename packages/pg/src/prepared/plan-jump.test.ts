import { eventually, type PostgresCluster, startCluster } from '@connmgr/testing'
import type { QueryConfig } from 'pg'
import { FIRST_OF_KIND, RARE_KINDS, SKEWED_TABLE } from '../../test/skewed-table.js'
import type { PgConnectionManager } from '../connection-manager.js'
import { createConnectionManager } from '../create-connection-manager.js'
import type { PgManagerOptions } from '../manager-options.js'
import type { StatementTimes } from './statement-times.js'

/** Runs within which a jump shows, with much to spare for a machine that does other things. */
const ENOUGH = 1500
/** A trial on a busy machine may see nothing, and the next comes later: so many histories without one are no chance. */
const MOST_HISTORIES = 3

let cluster: PostgresCluster
let manager: PgConnectionManager

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query(SKEWED_TABLE)
})
afterEach(() => manager.close({ drainTimeoutMs: 0 }))
afterAll(() => cluster.stop())

async function open(options: PgManagerOptions = {}): Promise<void> {
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    poolSize: 2,
    maxOverflow: 0,
    logger: false,
    ...options,
  })
  await manager.pool.query('select')
  await eventually(() => manager.getStatementStats().off.length === 0)
}

const kind = (n: number): number => 1 + (n % RARE_KINDS)
const run = (n: number) => manager.pool.query(FIRST_OF_KIND, [kind(n)])
const timesOf = (text = FIRST_OF_KIND): StatementTimes | undefined =>
  manager.getStatementStats().times.find((each) => each.text === text)

/** Runs work until something is so. Returns whether it came to be. */
async function until(
  is: () => boolean,
  work: (n: number) => Promise<unknown> = run,
): Promise<boolean> {
  for (let n = 0; n < ENOUGH && !is(); n += 1) await work(n)
  return is()
}
const jumps = () => timesOf()?.jump !== undefined

/** Opens a manager, and has the statement run until its jump is found. */
async function openUntilJump(options: PgManagerOptions = {}): Promise<void> {
  await open(options)
  for (let n = 1; !(await until(jumps)) && n < MOST_HISTORIES; n += 1) {
    await manager.close({ drainTimeoutMs: 0 })
    await open(options)
  }
  expect(jumps()).toBe(true)
}

describe.each([
  ['a pool', {}],
  ['shared lanes', { shared: true }],
] satisfies [string, PgManagerOptions][])('over %s', (_name, options) => {
  test('a statement that its generic plan makes slower is listed, with before and after', async () => {
    await openUntilJump(options)
    const [first] = manager.getStatementStats().times
    expect(first).toMatchObject({ text: FIRST_OF_KIND, statements: expect.any(Number) })
    const { after, at, before, rounds } = first?.jump ?? {}
    expect(after?.p50Ms).toBeGreaterThan(2 * (before?.p50Ms as number))
    expect(rounds).toBeGreaterThanOrEqual(4)
    expect(before?.count).toBeGreaterThanOrEqual(12)
    expect(Date.now() - (at as number)).toBeGreaterThanOrEqual(0)
    expect(manager.getStatementStats().planTrials).toBeGreaterThanOrEqual(rounds as number)
    expect(manager.getStatementStats().rePrepares).toBe(0)
  })
})

test('the server says by which plans it runs what is prepared', async () => {
  await open({ poolSize: 1 })
  // Four runs are counted, and the next are prepared: too few to compare.
  for (let n = 0; n < 4 + 8; n += 1) {
    await run(n)
    await manager.pool.query('select note from notes where id = $1', [n])
  }
  const { times } = manager.getStatementStats()
  const counts = await manager.readPlanCounts()
  expect(counts.map(({ text }) => text).sort()).toEqual(times.map(({ text }) => text).sort())
  for (const each of counts)
    expect(each).toMatchObject({ statements: 1, customPlans: 5, genericPlans: 3 })
  expect(manager.getPoolMetrics().checkedOut).toBe(0)
})

test('without an idle connection it is not asked, and nothing waits', async () => {
  await open({ poolSize: 1 })
  for (let n = 0; n < 10; n += 1) await run(n)
  await manager.use(async () => expect(await manager.readPlanCounts()).toEqual([]))
  expect(await manager.readPlanCounts()).toHaveLength(1)
})

test('it is over with prepare: false', async () => {
  await openUntilJump()
  const optedOut = (n: number) =>
    manager.pool.query({ text: FIRST_OF_KIND, values: [kind(n)], prepare: false } as QueryConfig)
  for (let n = 0; n < 8; n += 1) await optedOut(n)
  expect(timesOf()?.jump).toBeUndefined()
  const { runs } = timesOf() as StatementTimes
  for (let n = 0; n < 100; n += 1) await optedOut(n)
  expect(timesOf()).toMatchObject({ runs, jump: undefined })
})

test.each([
  ['a pool', {}],
  ['shared lanes', { shared: true }],
  ['clients that are bound late', { shared: { lateBinding: true } }],
] satisfies [string, PgManagerOptions][])(
  'what runs within unprepared() is not prepared, also behind others: %s',
  async (_name, options) => {
    await open({ poolSize: 1, ...options })
    for (let n = 0; n < 6; n += 1) await run(n)
    const { runs } = timesOf() as StatementTimes
    const borrowed = async (n: number) => {
      const client = await manager.pool.connect()
      try {
        return await client.query(FIRST_OF_KIND, [n])
      } finally {
        client.release()
      }
    }
    await Promise.all(
      Array.from({ length: 20 }, (_each, n) => [
        manager.pool.query('select note from notes where id = $1', [n]),
        manager.unprepared(() => run(n)),
        manager.unprepared(() => borrowed(n)),
        manager.unprepared(() => manager.transaction((client) => client.query(FIRST_OF_KIND, [n]))),
      ]).flat(),
    )
    expect(timesOf()?.runs).toBe(runs)
    await run(1)
    expect(timesOf()?.runs).toBe(runs + 1)
  },
)

test('it is over once the role has plans made for values', async () => {
  await openUntilJump()
  const { rows } = await manager.pool.query('select quote_ident(current_user) as role')
  const { role } = rows[0]
  await cluster.primary.query(`alter role ${role} set plan_cache_mode = force_custom_plan`)
  try {
    await cluster.primary.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'",
    )
    await eventually(() => manager.getPoolMetrics().checkedIn === 0)
    await eventually(
      async () =>
        (await manager.pool.query('show plan_cache_mode')).rows[0].plan_cache_mode ===
        'force_custom_plan',
    )
    expect(await until(() => !jumps())).toBe(true)
    const [counts] = await manager.readPlanCounts()
    expect(counts).toMatchObject({ text: FIRST_OF_KIND, genericPlans: 0 })
  } finally {
    await cluster.primary.query(`alter role ${role} reset plan_cache_mode`)
  }
})

test('a healthy statement with noisy times is not accused', async () => {
  await open({ poolSize: 4 })
  const text = 'select note, pg_sleep($2::float8) from notes where id = $1'
  // Times without a mean to speak of: one in a hundred takes a hundred times as long.
  const noisy = (n: number) =>
    manager.pool.query(text, [n, Math.min(0.05, 0.0002 / (1 - Math.random()) ** 1.2)])
  for (let n = 0; n < 300; n += 1) {
    await Promise.all([noisy(n), noisy(n + 1), noisy(n + 2)])
    expect(timesOf(text)?.jump).toBeUndefined()
  }
  expect(timesOf(text)).toMatchObject({ statements: expect.any(Number), jump: undefined })
  const { custom, later, runs } = timesOf(text) as StatementTimes
  expect(runs).toBeGreaterThan(800)
  expect(custom.count).toBeGreaterThanOrEqual(4)
  expect(later.count).toBeGreaterThan(50)
})

test('a text without values has one plan from the start, and nothing to compare', async () => {
  await open()
  const text = 'select count(*) from events where kind = 7'
  for (let n = 0; n < 60; n += 1) await manager.pool.query(text)
  expect(timesOf(text)).toMatchObject({ custom: { count: 0 }, jump: undefined })
  expect(timesOf(text)?.later.count).toBeGreaterThan(5)
})

test.each([
  ['none', ''],
  ['fingerprint', 'select id from notes where note = ? and id = ?'],
] as const)('with reportSql %j a text is shown as %j', async (reportSql, shown) => {
  await open({ reportSql })
  for (let n = 0; n < 8; n += 1)
    await manager.pool.query("select id from notes where note = 'secret' and id = $1", [n])
  const { times } = manager.getStatementStats()
  expect(times.map(({ text }) => text)).toEqual([shown])
  expect((await manager.readPlanCounts()).map(({ text }) => text)).toEqual([shown])
})
