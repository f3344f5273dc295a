import { setTimeout as pause } from 'node:timers/promises'
import { eventually, type PostgresCluster, patient, startCluster } from '@connmgr/testing'
import fc from 'fast-check'
import type { QueryConfig } from 'pg'
import { ManagedPool } from '../managed-pool.js'

const NAME = 'shared fuzz'
/** Few, as each takes real time on a real server; set it higher to search longer. */
const RUNS = Number(process.env.SHARED_FUZZ_RUNS ?? 8)

const STEPS = [
  { weight: 10, name: 'select' },
  { weight: 4, name: 'named select' },
  { weight: 10, name: 'insert' },
  { weight: 3, name: 'insert of a row that is there' },
  { weight: 3, name: 'failing select' },
  { weight: 2, name: 'failing named select' },
  { weight: 1, name: 'select that takes long' },
  { weight: 1, name: 'select that times out' },
  { weight: 1, name: 'insert that times out' },
  { weight: 2, name: 'transaction, committed' },
  { weight: 2, name: 'transaction, left open' },
  { weight: 1, name: 'session, left changed' },
  { weight: 1, name: 'several statements' },
  { weight: 1, name: 'kill' },
  { weight: 4, name: 'pause' },
] as const
type Step = (typeof STEPS)[number]['name']

interface History {
  readonly max: number
  readonly lanes: number
  readonly depth: number
  readonly steps: readonly Step[]
}

const histories: fc.Arbitrary<History> = fc.record({
  max: fc.integer({ min: 1, max: 5 }),
  lanes: fc.integer({ min: 1, max: 3 }),
  depth: fc.integer({ min: 1, max: 40 }),
  steps: fc.array(
    fc.oneof(...STEPS.map(({ weight, name }) => ({ weight, arbitrary: fc.constant<Step>(name) }))),
    { minLength: 50, maxLength: 400, size: 'max' },
  ),
})

let cluster: PostgresCluster

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query('create table ledger (id int primary key)')
})
afterAll(() => cluster.stop())

const hasCode = (error: unknown, ...codes: string[]): boolean =>
  codes.includes((error as { code?: string }).code ?? '')
/** What becomes of a statement whose backend is killed. */
const isLoss = (error: unknown): boolean =>
  hasCode(error, 'CONNMGR_CONNECTION_LOST', 'CONNMGR_COMMIT_OUTCOME_UNKNOWN')
const isTimeout = (error: unknown): boolean =>
  ((error as Error).cause as Error | undefined)?.message === 'Query read timeout'

/** One pool and the answers that its callers got. */
class Run {
  readonly #pool: ManagedPool
  readonly #acknowledged: number[] = [0]
  readonly #unknown = new Set<number>()
  readonly #callers: Promise<void>[] = []
  #next = 1

  constructor({ max, lanes, depth }: History) {
    this.#pool = new ManagedPool({
      connectionString: cluster.primary.url(),
      application_name: NAME,
      max,
      shared: { lanes, depth },
      reset: 'discard-all',
      acquireTimeoutMs: patient(20_000),
      logger: false,
    })
  }

  async run(steps: readonly Step[]): Promise<void> {
    await cluster.primary.query('truncate ledger; insert into ledger values (0)')
    for (const step of steps) {
      if (step === 'pause') await pause(2)
      else this.#callers.push(this.#do(step, this.#next++))
    }
    await Promise.all(this.#callers)
    await this.#checkAtRest()
    await this.#checkLedger()
  }

  async #do(step: Exclude<Step, 'pause'>, id: number): Promise<void> {
    switch (step) {
      case 'select':
        return this.#ask({ text: 'select $1::int as n', values: [id] }, id)
      case 'named select':
        return this.#ask({ name: 'named', text: 'select $1::int as n', values: [id] }, id)
      case 'insert':
        return this.#write(id, this.#query('insert into ledger values ($1)', [id]))
      case 'insert of a row that is there':
        return this.#fails('insert into ledger values (0)', '23505')
      case 'failing select':
        return this.#fails('select 1 / 0', '22012')
      case 'failing named select':
        return this.#fails({ name: `nonsense ${id % 3}`, text: 'select nonsense' }, '42703')
      case 'select that takes long':
        return this.#ask({ text: `select ${id} as n, pg_sleep(0.05)` }, id)
      case 'select that times out':
        return this.#timesOut(`select pg_sleep(60 + ${id})`)
      case 'insert that times out':
        this.#unknown.add(id)
        return this.#timesOut(`insert into ledger select ${id} from pg_sleep(60)`)
      case 'transaction, committed':
        return this.#write(id, this.#transaction(id, 'commit'))
      case 'transaction, left open':
        return this.#transaction(id).catch(allow(isLoss))
      case 'session, left changed':
        return this.#change()
      case 'several statements':
        return this.#query('select 1; select 2').then(() => {}, allow(isLoss))
      case 'kill':
        return this.#kill()
    }
  }

  #query(query: string | QueryConfig, values?: unknown[]) {
    return this.#pool.query(query as string, values)
  }

  async #ask(query: QueryConfig, id: number): Promise<void> {
    try {
      const { rows } = await this.#query(query)
      expect(rows[0]?.n).toBe(id)
    } catch (error) {
      allow(isLoss)(error)
    }
  }

  async #write(id: number, writing: Promise<unknown>): Promise<void> {
    try {
      await writing
      this.#acknowledged.push(id)
    } catch (error) {
      allow(isLoss)(error)
      // Of any other nothing must be found.
      if (hasCode(error, 'CONNMGR_COMMIT_OUTCOME_UNKNOWN')) this.#unknown.add(id)
    }
  }

  async #fails(query: string | QueryConfig, code: string): Promise<void> {
    const outcome = await this.#query(query).catch((error: unknown) => ({ error }))
    expect(outcome).toHaveProperty('error')
    const { error } = outcome as { error: unknown }
    if (!hasCode(error, code)) allow(isLoss)(error)
  }

  async #timesOut(text: string): Promise<void> {
    const query = { text, query_timeout: patient(30) } as QueryConfig
    const outcome = await this.#query(query).catch((error: unknown) => ({ error }))
    expect(outcome).toHaveProperty('error')
    const { error } = outcome as { error: unknown }
    if (!isTimeout(error)) allow(isLoss)(error)
  }

  async #transaction(id: number, end?: 'commit'): Promise<void> {
    const client = await this.#pool.connect()
    try {
      await client.query('begin')
      await client.query('insert into ledger values ($1)', [id])
      if (end !== undefined) await client.query(end)
    } finally {
      client.release()
    }
  }

  async #change(): Promise<void> {
    const client = await this.#pool.connect()
    try {
      await client.query("set connmgr.dirty = 'yes'; create temp table dirt ()")
    } catch (error) {
      allow(isLoss)(error)
    } finally {
      client.release()
    }
  }

  async #kill(): Promise<void> {
    await cluster.primary.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1 limit 1',
      [NAME],
    )
  }

  /** No slot is lost, no connection is dirty, and nothing runs on. */
  async #checkAtRest(): Promise<void> {
    const manager = this.#pool.$connections
    await eventually(() => {
      const { inUse, waiting } = manager.getCounts('primary')
      return inUse === 0 && waiting === 0
    })
    const { limit } = manager.getCounts('primary')
    const clients = await Promise.all(Array.from({ length: limit }, () => this.#pool.connect()))
    for (const client of clients) {
      expect(client).toMatchObject({ pipeline: false, _txStatus: 'I' })
      const { rows } = await client.query(
        "select current_setting('connmgr.dirty', true) as dirty, to_regclass('pg_temp.dirt') as dirt",
      )
      expect(rows[0]?.dirty || null).toBeNull()
      expect(rows[0]?.dirt).toBeNull()
      client.release()
    }
    await this.#pool.end()
    await eventually(async () => {
      const left = await cluster.primary.query(
        'select 1 from pg_stat_activity where application_name = $1',
        [NAME],
      )
      return left.length === 0
    })
  }

  async #checkLedger(): Promise<void> {
    const rows = await cluster.primary.query<{ id: number }>('select id from ledger')
    const found = new Set(rows.map(({ id }) => id))
    expect(this.#acknowledged.filter((id) => !found.has(id))).toEqual([])
    for (const id of [...this.#acknowledged, ...this.#unknown]) found.delete(id)
    expect([...found]).toEqual([])
  }
}

/** Throws an error that nothing in the history explains. */
function allow(explained: (error: unknown) => boolean): (error: unknown) => void {
  return (error) => {
    if (!explained(error)) throw error
  }
}

test(
  'whatever callers do and whatever befalls them, each hears the truth and no connection is lost or left dirty',
  async () => {
    await fc.assert(
      fc.asyncProperty(histories, (history) => new Run(history).run(history.steps)),
      // Real time and real servers: a smaller history may do what a larger one did not.
      { numRuns: RUNS, endOnFailure: true },
    )
  },
  patient(600_000),
)
