import { isDeepStrictEqual } from 'node:util'
import { eventually, type PostgresCluster, patient, startCluster } from '@connmgr/testing'
import fc from 'fast-check'
import pg from 'pg'
import Cursor from 'pg-cursor'
import { catalogRead } from '../../test/known-catalog.js'
import { ManagedPool } from '../managed-pool.js'

/** Few, as each takes real time on a real server; set it higher to search longer. */
const RUNS = Number(process.env.SHARED_FUZZ_RUNS ?? 12)

const SCHEMA = `
  drop schema if exists other cascade; drop schema if exists public cascade; create schema public; create schema other;
  create table t (id serial primary key, n int, name text); insert into t (n, name) select i, 'n' || i from generate_series(1, 5) i;
  create table other.t (id int primary key, name text); insert into other.t values (1, 'of other');
  create function bump() returns bigint language sql as 'select nextval(''t_id_seq'')';
  create view bumps as select bump() as n`

/** Reads that any session answers, and all sorts of what is of one. */
const TEXTS = [
  'select * from t order by id',
  'select n + $1::int as sum from t order by id',
  'select count(*)::int as n, max(name) as last from t where n > $1::int',
  'select 100 / (n - $1::int) as share from t order by id',
  'select * from missing where id = $1::int',
  'values (1), ($1::int)',
  'table t',
  'with w as (select * from t where n = $1::int) select * from w',
  "select current_setting('search_path') as path, nullif(current_setting('app.it', true), '') as it",
  "insert into t (n, name) values ($1::int, 'new') returning id",
  'update t set n = n + 1 where id = $1::int returning n',
  'delete from t where id = $1::int',
  'with new as (insert into t (n) values ($1::int) returning id) select id from new',
  "select nextval('t_id_seq')::int as n",
  "select currval('t_id_seq')::int as n",
  'select lastval()::int as n',
  'select bump()::int as n',
  'select n::int as n from bumps',
  'select id into temp made from t where n = $1::int',
  'select * from made',
  'create temp table t (mine int)',
  // Not without IF EXISTS: what is missing, schema or table, depends on whether the session ever had a temporary one.
  'drop table if exists pg_temp.t',
  'set search_path = other, public',
  'reset search_path',
  "select set_config('app.it', $1::text, false) as it",
  "set local app.it = 'local'",
  'begin',
  'begin isolation level repeatable read read only',
  'commit',
  'rollback',
  'savepoint s',
  'rollback to s',
  'select pg_advisory_lock($1::int)::text',
  'select pg_try_advisory_lock(77)',
  "select count(*)::int as n from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()",
  'listen news',
  'select pg_listening_channels() as channel',
  'prepare mine as select 5 as five',
  'execute mine',
  'declare c cursor with hold for select id from t order by id',
  'fetch 1 from c',
  // pg-cursor numbers its own over all clients of the process.
  "select name from pg_cursors where name !~ '^C_'",
  'select 1 as one; select 2 as two',
  'discard all',
  "do $$ begin perform set_config('app.it', 'done', false); end $$",
  'select setseed(0.5)::text',
  'explain select 1',
] as const

const ask = fc.record({
  text: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...TEXTS.slice(0, 9)) },
    { weight: 4, arbitrary: fc.constantFrom(...TEXTS) },
  ),
  value: fc.integer({ min: 0, max: 6 }),
  how: fc.constantFrom('promise', 'promise', 'callback', 'array', 'named', 'cursor'),
  awaited: fc.boolean(),
})
type Ask = typeof ask extends fc.Arbitrary<infer T> ? T : never
/** What one borrower does with its client, from when it has it until it releases it. */
const borrower = fc.array(ask, { minLength: 1, maxLength: 9 })

let cluster: PostgresCluster
let ours: ManagedPool
let plain: pg.Pool

beforeAll(async () => {
  cluster = await startCluster()
  for (const name of ['ours', 'plain']) await cluster.primary.query(`create database ${name}`)
})
afterAll(() => cluster.stop())

const urlOf = (database: string): string => {
  const url = new URL(cluster.primary.url())
  url.pathname = `/${database}`
  return url.href
}

async function send(client: pg.ClientBase, { text, value, how }: Ask): Promise<unknown> {
  const values = text.includes('$1') ? [value] : []
  if (how === 'callback')
    return new Promise((resolve, reject) => {
      client.query(text, values, (error, result) => (error ? reject(error) : resolve(result)))
    })
  if (how === 'array') return client.query({ text, values, rowMode: 'array' })
  if (how === 'named') return client.query({ name: `n ${TEXTS.indexOf(text)}`, text, values })
  if (how === 'cursor' && text.startsWith('select')) {
    const cursor = client.query(new Cursor(text, values))
    const rows = await cursor.read(3)
    await cursor.close()
    return rows
  }
  return client.query(text, values)
}

/** The answer that the borrower gets to each query. */
async function run(pool: Pick<pg.Pool, 'connect'>, asks: readonly Ask[]): Promise<unknown[]> {
  const client = await pool.connect()
  const answers: unknown[][] = []
  const under: Promise<void>[] = []
  for (const [index, each] of asks.entries()) {
    const answer = send(client, each).then(
      (result) => void answers.push([index, seen(result)]),
      (error: pg.DatabaseError) => void answers.push([index, error.code, error.message]),
    )
    under.push(answer)
    if (each.awaited) await answer
  }
  await Promise.all(under)
  const left = await client.query('select 1 as still').catch(() => undefined)
  client.release()
  answers.sort(([one], [other]) => Number(one) - Number(other))
  return [...answers, left?.rows ?? 'in a failed transaction']
}

function seen(result: unknown): unknown {
  if (!Array.isArray(result)) {
    const { rows, rowCount, command, fields } = result as pg.QueryResult
    return { rows, rowCount, command, names: fields?.map(({ name }) => name) }
  }
  return result.map((each) => (typeof each === 'object' && 'rows' in each ? seen(each) : each))
}

/** A COMMIT that commits nothing is an error with us, bound late or not. */
function agree(mine: unknown, theirs: unknown): boolean {
  if (isDeepStrictEqual(mine, theirs)) return true
  const [[, code], [, result]] = [mine, theirs] as [unknown[], unknown[]]
  const { command } = result as { command?: string }
  return code === 'CONNMGR_TRANSACTION_ROLLED_BACK' && /^(?:COMMIT|ROLLBACK)$/.test(command ?? '')
}

async function lockstep(borrowers: readonly (readonly Ask[])[]): Promise<void> {
  // What others ask meanwhile goes through the same lanes.
  let over = false
  const others = Promise.all(
    [1, 2, 3].map(async (n) => {
      while (!over) expect((await ours.query('select $1::int as n', [n])).rows).toEqual([{ n }])
    }),
  )
  try {
    for (const asks of borrowers) {
      // Each begins with a session as the login leaves it.
      const theirs = await run(plain, asks)
      const mine = await run(ours, asks)
      if (!mine.every((each, index) => agree(each, theirs[index])))
        throw new Error(`ours:  ${JSON.stringify(mine)}\nplain: ${JSON.stringify(theirs)}`)
    }
  } finally {
    over = true
    await others
  }
}

test(
  'a client that is bound late answers as one with a connection from the start',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(borrower, { minLength: 1, maxLength: 12 }), async (borrowers) => {
        for (const name of ['ours', 'plain']) {
          const admin = new pg.Client(urlOf(name))
          await admin.connect()
          await admin.query(SCHEMA)
          await admin.end()
        }
        ours = new ManagedPool({
          connectionString: urlOf('ours'),
          max: 3,
          shared: { lateBinding: true, lanes: 2 },
          reset: 'discard-all',
          logger: false,
        })
        // One use each, so that no session has been anybody's before.
        plain = new pg.Pool({ connectionString: urlOf('plain'), maxUses: 1 })
        try {
          await catalogRead(ours)
          await lockstep(borrowers)
          await eventually(() => ours.$connections.getCounts('primary').inUse === 0)
        } finally {
          await ours.$connections.close({ drainTimeoutMs: 0 })
          await plain.end()
        }
      }),
      { numRuns: RUNS, endOnFailure: true },
    )
  },
  patient(600_000),
)
