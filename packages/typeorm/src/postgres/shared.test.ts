import { isDeepStrictEqual } from 'node:util'
import { eventually, type PostgresCluster, patient, startCluster } from '@connmgr/testing'
import fc from 'fast-check'
import {
  Column,
  DataSource,
  Entity,
  ManyToOne,
  OneToMany,
  PrimaryGeneratedColumn,
  QueryFailedError,
  type QueryRunner,
  type Relation,
} from 'typeorm'
import { catalogRead } from '../../../pg/test/known-catalog.js'
import { getConnections, withConnectionManager } from '../with-connection-manager.js'

/** Few, as each takes real time on a real server; set it higher to search longer. */
const RUNS = Number(process.env.SHARED_FUZZ_RUNS ?? 8)

@Entity('shop')
class Shop {
  @PrimaryGeneratedColumn()
  id!: number

  @Column({ type: 'text', unique: true })
  name!: string

  @OneToMany(
    () => Sale,
    (sale) => sale.shop,
  )
  sales!: Relation<Sale>[]
}

@Entity('sale')
class Sale {
  @PrimaryGeneratedColumn()
  id!: number

  @Column('int')
  amount!: number

  @ManyToOne(
    () => Shop,
    (shop) => shop.sales,
  )
  shop!: Relation<Shop>
}

const SHOPS = 5
let cluster: PostgresCluster
let ours: DataSource
let plain: DataSource

beforeAll(async () => {
  cluster = await startCluster()
  for (const name of ['ours', 'plain']) await cluster.primary.query(`create database ${name}`)
})
afterAll(() => cluster.stop())
beforeEach(async () => {
  const options = (database: string) => {
    const url = new URL(cluster.primary.url())
    url.pathname = `/${database}`
    const entities = [Shop, Sale]
    return {
      type: 'postgres',
      url: url.href,
      entities,
      synchronize: true,
      dropSchema: true,
    } as const
  }
  ours = await new DataSource(
    withConnectionManager(options('ours'), {
      shared: { lanes: 2, depth: 1000 },
      poolSize: 4,
      maxOverflow: 0,
      logger: false,
    }),
  ).initialize()
  plain = await new DataSource(options('plain')).initialize()
  for (const each of [ours, plain]) await fill(each)
  await catalogRead(getConnections(ours).pool)
})
afterEach(async () => {
  await ours.destroy()
  await plain.destroy()
})

async function fill(dataSource: DataSource): Promise<void> {
  for (let n = 1; n <= SHOPS; n += 1) {
    const shop = await dataSource.getRepository(Shop).save({ name: `shop ${n}` })
    for (let amount = 1; amount <= n; amount += 1)
      await dataSource.getRepository(Sale).save({ amount, shop })
  }
}

const withSales = (dataSource: DataSource, id: number) =>
  dataSource.getRepository(Shop).find({
    where: { id },
    relations: { sales: true },
    order: { id: 'ASC', sales: { id: 'ASC' } },
  })
const counts = () => getConnections(ours).getCounts()

describe('TypeORM with shared connections', () => {
  test('finds what it finds without, with few connections for many callers', async () => {
    const before = getConnections(ours).getPoolMetrics().totalCheckouts
    const found = await Promise.all(
      Array.from({ length: 200 }, (_each, n) => withSales(ours, (n % SHOPS) + 1)),
    )
    const expected = await Promise.all(
      Array.from({ length: SHOPS }, (_each, n) => withSales(plain, n + 1)),
    )
    for (const [n, each] of found.entries()) expect(each).toEqual(expected[n % SHOPS])
    // Each of these would have borrowed a connection.
    expect(getConnections(ours).getPoolMetrics().totalCheckouts - before).toBeLessThan(20)
    await eventually(() => counts().inUse === 0)
  })

  test('prepares in the lanes what recurs', async () => {
    for (let n = 0; n < 50; n += 1) await withSales(ours, (n % SHOPS) + 1)
    const { hits, statements } = getConnections(ours).getStatementStats()
    expect(statements).toBeGreaterThan(0)
    expect(hits).toBeGreaterThan(10)
  })

  test('a transaction sees its own writes, others do not, and a rollback leaves nothing', async () => {
    await expect(
      ours.transaction(async (entities) => {
        await entities.insert(Shop, { name: 'new' })
        expect(await entities.countBy(Shop, { name: 'new' })).toBe(1)
        expect(await ours.getRepository(Shop).countBy({ name: 'new' })).toBe(0)
        throw new Error('second thoughts')
      }),
    ).rejects.toThrow('second thoughts')
    expect(await ours.getRepository(Shop).countBy({ name: 'new' })).toBe(0)
    await eventually(() => counts().inUse === 0)
  })

  test('an error is the QueryFailedError that it is without', async () => {
    const errorOf = (dataSource: DataSource) =>
      dataSource.query('select nonsense from shop').catch((error: unknown) => error)
    const [mine, theirs] = [await errorOf(ours), await errorOf(plain)] as QueryFailedError[]
    expect(mine).toBeInstanceOf(QueryFailedError)
    expect({ ...mine }).toEqual({ ...theirs, driverError: mine?.driverError })
    expect({ ...mine?.driverError }).toEqual({ ...theirs?.driverError })
  })
})

/** A COMMIT that commits nothing is an error with us, shared or not. */
const isRolledBack = (got: unknown): boolean =>
  (got as { code?: unknown } | undefined)?.code === 'CONNMGR_TRANSACTION_ROLLED_BACK'

type Step = readonly [runner: number, what: What, value: number]
const WHATS = [
  'find with relations',
  'find with relations',
  'count',
  'raw read',
  'raw read that fails',
  'begin',
  'commit',
  'rollback',
  'insert',
  'update',
  'last value',
  'same session',
  'stream',
  'temporary table',
  'lock of the transaction',
  'release',
] as const
type What = (typeof WHATS)[number]
const steps = fc.array(
  fc.tuple(fc.nat({ max: 2 }), fc.constantFrom(...WHATS), fc.integer({ min: 1, max: SHOPS })),
  { minLength: 5, maxLength: 60, size: 'max' },
)

/** Releases a runner with nothing open: a plain pool would lend its transaction on. */
async function end(runner: QueryRunner): Promise<void> {
  // One for each savepoint.
  while (runner.isTransactionActive) await runner.rollbackTransaction()
  await runner.release()
}

/** Query runners of one DataSource, each by its number. */
class Runners {
  readonly #dataSource: DataSource
  readonly #runners = new Map<number, QueryRunner>()

  constructor(dataSource: DataSource) {
    this.#dataSource = dataSource
  }

  async take([number, what, value]: Step): Promise<unknown> {
    let runner = this.#runners.get(number)
    if (runner === undefined) {
      runner = this.#dataSource.createQueryRunner()
      this.#runners.set(number, runner)
    }
    try {
      return await this.#do(runner, what, value, number)
    } catch (error) {
      return { message: (error as Error).message, code: (error as { code?: string }).code }
    }
  }

  async close(): Promise<void> {
    for (const runner of this.#runners.values()) {
      await end(runner)
    }
  }

  async #do(runner: QueryRunner, what: What, value: number, number: number): Promise<unknown> {
    const { manager } = runner
    switch (what) {
      case 'find with relations':
        return manager.find(Shop, {
          where: { id: value },
          relations: { sales: true },
          order: { sales: { id: 'ASC' } },
        })
      case 'count':
        return manager.count(Sale)
      case 'raw read':
        return runner.query('select id, amount * $1::int as times from sale order by id', [value])
      case 'raw read that fails':
        return runner.query('select 1 / ($1::int - $1::int)', [value])
      case 'begin':
        return runner.startTransaction()
      case 'commit':
        return runner.commitTransaction()
      case 'rollback':
        return runner.rollbackTransaction()
      case 'insert':
        return manager.insert(Sale, { amount: value, shop: { id: value } })
      // A row of its own, so that no runner waits for another.
      case 'update':
        return manager.update(Sale, { id: number + 1 }, { amount: value })
      // What is meant is what this runner has inserted: it is asked for behind that, on the same client.
      case 'last value': {
        await runner.query('insert into sale (amount) values ($1)', [value])
        return runner.query("select lastval()::int as last, currval('sale_id_seq')::int as current")
      }
      case 'same session': {
        const [[one], [other]] = [
          await runner.query('select pg_backend_pid() as pid'),
          await runner.query('select pg_backend_pid() as pid'),
        ]
        return one.pid === other.pid
      }
      case 'stream': {
        const rows: unknown[] = []
        const stream = await runner.stream('select name from shop order by id')
        for await (const row of stream) rows.push(row)
        return rows
      }
      case 'temporary table':
        await runner.query('create temp table if not exists mine as select $1::int as n', [value])
        try {
          return await runner.query('select count(*)::int as n from mine')
        } finally {
          await runner.query('drop table if exists mine')
        }
      case 'lock of the transaction':
        return runner.query('select pg_try_advisory_xact_lock($1::int) as got', [number])
      case 'release':
        this.#runners.delete(number)
        return end(runner)
    }
  }
}

test(
  'query runners answer as those of TypeORM alone, whatever is done with them',
  async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (history) => {
        const [mine, theirs] = [new Runners(ours), new Runners(plain)]
        let over = false
        // What others ask meanwhile goes through the same lanes.
        const others = Promise.all(
          [1, 2].map(async (id) => {
            while (!over) expect(await withSales(ours, id)).toHaveLength(1)
          }),
        )
        try {
          for (const step of history) {
            const [got, expected] = [await mine.take(step), await theirs.take(step)]
            if (isRolledBack(got)) {
              // TypeORM takes the transaction for open after an error of COMMIT, and so goes on differently.
              const release: Step = [step[0], 'release', 1]
              await Promise.all([mine.take(release), theirs.take(release)])
            } else if (!isDeepStrictEqual(got, expected))
              throw new Error(
                `${step}\nours:  ${JSON.stringify(got)}\nplain: ${JSON.stringify(expected)}`,
              )
          }
        } finally {
          over = true
          await Promise.all([mine.close(), theirs.close(), others])
        }
        await eventually(() => counts().inUse === 0)
      }),
      { numRuns: RUNS, endOnFailure: true },
    )
  },
  patient(600_000),
)
