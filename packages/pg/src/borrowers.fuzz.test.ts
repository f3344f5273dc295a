import { type PostgresCluster, patient, startCluster } from '@connmgr/testing'
import fc from 'fast-check'
import type { Client } from 'pg'
import Cursor from 'pg-cursor'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'

/** Few, as each takes real time on a real server; set it higher to search longer. */
const RUNS = Number(process.env.BORROWERS_FUZZ_RUNS ?? 10)

/** What a borrower may do with a connection before it leaves, each as one statement. */
const STATEMENTS = [
  'select 1',
  'begin',
  'commit',
  'rollback',
  'set role reader',
  'set session authorization reader',
  'set local role reader',
  'reset role',
  "set search_path to 'elsewhere'",
  "set local search_path to 'elsewhere'",
  "set app.tenant = 'acme'",
  "select set_config('app.tenant', 'acme', true)",
  "select set_config('app.tenant', 'acme', false)",
  "select set_config('role', 'reader', false)",
  "set time zone 'UTC+3'",
  "set statement_timeout = '50s'",
  'listen jobs',
  'unlisten jobs',
  'select pg_advisory_lock(1)',
  'select pg_try_advisory_lock_shared(2)',
  'select pg_advisory_xact_lock(3)',
  'select pg_advisory_unlock(1)',
  'prepare p as select 1',
  'deallocate all',
  'discard all',
  'declare c cursor with hold for select 1',
  'create temp table t (id int)',
  'select 1 as one into temp t2',
  'insert into rows values (1)',
  'select nonsense',
  'do $$ begin set role reader; end $$',
  "select become('reader')",
  "/* a comment */ set app.tenant = 'acme'",
  "select 1; set app.tenant = 'acme'",
] as const

type Step =
  | { readonly kind: 'statement'; readonly text: string; readonly awaited: boolean }
  | { readonly kind: 'named'; readonly name: string }
  | { readonly kind: 'listener' }
  | { readonly kind: 'cursor'; readonly read: boolean; readonly close: boolean }
  | { readonly kind: 'type parser' }
  | { readonly kind: 'kept' }

/** One borrower: what it does, whether it keeps its client, and how it ends. */
interface Borrower {
  readonly steps: readonly Step[]
  readonly end: 'release' | 'destroy' | 'throw'
}

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('statement' as const),
      text: fc.constantFrom(...STATEMENTS),
      awaited: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('named' as const),
      name: fc.constantFrom('one', 'two', 'p'),
    }),
  },
  { weight: 2, arbitrary: fc.constant<Step>({ kind: 'listener' }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('cursor' as const),
      read: fc.boolean(),
      close: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'type parser' }) },
  { weight: 4, arbitrary: fc.constant<Step>({ kind: 'kept' }) },
)

const histories: fc.Arbitrary<readonly Borrower[]> = fc.array(
  fc.record({
    steps: fc.array(step, { minLength: 1, maxLength: 6 }),
    end: fc.constantFrom(
      'release' as const,
      'release' as const,
      'destroy' as const,
      'throw' as const,
    ),
  }),
  { minLength: 10, maxLength: 30, size: 'max' },
)

/** Sees what a borrower before may have left, without changing anything itself. */
const LEFT = `select current_user::text as "user", session_user::text as session,
  current_setting('search_path') as path, coalesce(current_setting('app.tenant', true), '') as tenant,
  current_setting('TimeZone') as zone, current_setting('statement_timeout') as timeout,
  (select count(*)::int from pg_listening_channels()) as channels,
  (select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks,
  (select count(*)::int from pg_prepared_statements where from_sql) as prepared,
  (select count(*)::int from pg_cursors where is_holdable) as cursors,
  (select count(*)::int from pg_class c join pg_namespace n on n.oid = relnamespace
    where relpersistence = 't' and n.oid = pg_my_temp_schema()) as temporary,
  pg_current_xact_id_if_assigned()::text as transaction`

let cluster: PostgresCluster
let clean: Record<string, unknown>

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query(`
    create table rows (id int); create role reader;
    create function become(name text) returns void language plpgsql as
      $$ begin execute format('set role %I', name); end $$`)
  const [row] = await cluster.primary.query<Record<string, unknown>>(LEFT)
  clean = row as Record<string, unknown>
})
afterAll(() => cluster.stop())

function open(): PgConnectionManager {
  return createConnectionManager({
    databaseUrl: cluster.primary.url(),
    poolSize: 2,
    maxOverflow: 0,
    logger: false,
    resetTimeoutMs: patient(60_000),
  })
}

/** Clients of borrowers that have left. */
type Kept = Client[]

async function take(client: Client, { kind, ...step }: Step, kept: Kept): Promise<unknown> {
  if (kind === 'statement') {
    const { text, awaited } = step as { text: string; awaited: boolean }
    const sent = client.query(text).catch(() => {})
    return awaited ? sent : undefined
  }
  if (kind === 'named') {
    const { name } = step as { name: string }
    return client.query({ name, text: `select 1 as ${name}` }).catch(() => {})
  }
  if (kind === 'cursor') {
    const { read, close } = step as { read: boolean; close: boolean }
    const cursor = client.query(new Cursor('select generate_series(1, 1000)'))
    // It may stand in a transaction that has failed.
    cursor.on('error', () => {})
    if (read) await cursor.read(2).catch(() => {})
    if (close) await cursor.close()
    return undefined
  }
  if (kind === 'listener') return client.on('notification', () => {})
  if (kind === 'type parser') return client.setTypeParser(23, () => 'mine' as never)
  const [left] = kept
  if (left === undefined) return undefined
  await expect(left.query('insert into rows values (666)')).rejects.toMatchObject({
    code: 'CONNMGR_LEASE_RELEASED',
  })
  expect(() => left.on('notice', () => {})).toThrow()
  return kept.push(kept.shift() as Client)
}

/**
 * Holds up all that is sent after it. One that is closed before it had its turn, as nothing was read, is so too: to
 * pg-cursor that is nothing to close.
 */
const isOpenCursor = (step: Step): boolean => step.kind === 'cursor' && !(step.read && step.close)

async function live(manager: PgConnectionManager, borrower: Borrower, kept: Kept): Promise<void> {
  const lease = await manager.acquire()
  const { connection: client } = lease
  expect(client.listenerCount('notification')).toBe(0)
  expect((await client.query(LEFT)).rows).toEqual([clean])
  for (const each of borrower.steps) {
    await take(client, each, kept)
    if (isOpenCursor(each)) break
  }
  kept.push(client)
  if (borrower.end === 'destroy') lease.destroy()
  else if (borrower.end === 'throw') lease.destroy(new Error('no'))
  else lease.release()
}

test(
  'whatever a borrower leaves, the next one finds a clean session that the last one cannot reach',
  async () => {
    await fc.assert(
      fc.asyncProperty(histories, async (borrowers) => {
        const manager = open()
        const kept: Kept = []
        try {
          const half = Math.ceil(borrowers.length / 2)
          // Two at a time, each on whichever connection is free.
          await Promise.all(
            [borrowers.slice(0, half), borrowers.slice(half)].map(async (some) => {
              for (const borrower of some) await live(manager, borrower, kept)
            }),
          )
          expect(await cluster.primary.query('select 1 from rows where id = 666')).toEqual([])
          const { checkedOut, waiting } = manager.getPoolMetrics()
          expect({ checkedOut, waiting }).toEqual({ checkedOut: 0, waiting: 0 })
        } finally {
          await manager.close({ drainTimeoutMs: 0 })
        }
      }),
      { numRuns: RUNS, endOnFailure: true },
    )
  },
  patient(120_000 + RUNS * 20_000),
)
