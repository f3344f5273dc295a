import { ManagedPool } from '@connmgr/pg'
import { startCluster } from '@connmgr/testing'
import pg from 'pg'
import postgres from 'postgres'
import { interleave, percentile } from '../measure.js'
import type { Measured, Settings, Suite } from '../suite.js'

const CONNECTIONS = 10
const ROWS = 1000
/** One of so many queries is slow. */
const SLOW_ONE_IN = 100
const SLOW_S = 0.1

/** Something that runs queries; `close` ends it. */
interface Subject {
  readonly fast: (id: number) => Promise<unknown>
  readonly slow: () => Promise<unknown>
  readonly close: () => Promise<unknown>
}

interface Case {
  readonly callers: number
  readonly slow: boolean
  /** How long a round lasts. */
  readonly ms: { readonly quick: number; readonly full: number }
}

const CASES: Readonly<Record<string, Case>> = {
  'callers-10': { callers: 10, slow: false, ms: { quick: 100, full: 1000 } },
  'callers-100': { callers: 100, slow: false, ms: { quick: 120, full: 1000 } },
  'slow/callers-100': { callers: 100, slow: true, ms: { quick: 120, full: 1000 } },
}

const TEXT = 'select id, name from item where id = $1'

function subjectOf(pool: pg.Pool): Subject {
  return {
    fast: (id) => pool.query(TEXT, [id]),
    slow: () => pool.query('select pg_sleep($1)', [SLOW_S]),
    close: () => pool.end(),
  }
}

const OPENERS: Readonly<Record<string, (url: string) => Subject>> = {
  connmgr: (connectionString) =>
    subjectOf(new ManagedPool({ connectionString, max: CONNECTIONS, shared: true, logger: false })),
  'pg.Pool': (connectionString) => subjectOf(new pg.Pool({ connectionString, max: CONNECTIONS })),
  // Sends queries without waiting for the answers to those before them, unless it is set otherwise.
  'postgres.js': (url) => {
    const sql = postgres(url, { max: CONNECTIONS })
    return {
      fast: async (id) => sql`select id, name from item where id = ${id}`,
      slow: async () => sql`select pg_sleep(${SLOW_S})`,
      close: () => sql.end(),
    }
  },
}

/** So many callers ask one query after the other for a while; notes how long the fast ones took. */
async function load(
  subject: Subject,
  { callers, slow }: Case,
  durationMs: number,
  latencies: number[],
): Promise<number> {
  let asked = 0
  const start = performance.now()
  const end = start + durationMs
  await Promise.all(
    Array.from({ length: callers }, async (_each, caller) => {
      for (let begun = performance.now(); begun < end; ) {
        asked += 1
        if (slow && asked % SLOW_ONE_IN === 0) {
          await subject.slow()
          begun = performance.now()
          continue
        }
        await subject.fast((caller * 7919 + asked) % ROWS)
        const now = performance.now()
        latencies.push((now - begun) * 1e6)
        begun = now
      }
    }),
  )
  return ((performance.now() - start) * 1e6) / asked
}

async function compare(url: string, each: Case, settings: Settings): Promise<Measured> {
  const subjects = Object.entries(OPENERS).map(([name, open]) => ({
    name,
    subject: open(url),
    latencies: [] as number[],
  }))
  const durationMs = settings.quick ? each.ms.quick : each.ms.full
  const times = await interleave(
    subjects.map(({ name, subject, latencies }) => ({
      name,
      run: () => load(subject, each, durationMs, latencies),
    })),
    settings.rounds,
  )
  for (const { subject } of subjects) await subject.close()
  const p99 = Object.fromEntries(
    subjects.map(({ name, latencies }) => [name, Math.round(percentile(latencies, 0.99))]),
  )
  return { times, also: { p99 } }
}

export const shared: Suite = {
  name: 'shared',
  about: `one row by its key over at most ${CONNECTIONS} connections, with ours shared; slow: 1 in ${SLOW_ONE_IN} queries takes 100 ms, p99 of the others`,
  peers: ['pg.Pool', 'postgres.js'],
  async run(settings) {
    const cluster = await startCluster()
    try {
      await cluster.primary.query('create table item (id int primary key, name text not null)')
      await cluster.primary.query(
        `insert into item select n, 'item ' || n from generate_series(0, ${ROWS - 1}) n`,
      )
      const results: Record<string, Measured> = {}
      for (const [name, each] of Object.entries(CASES))
        results[name] = await compare(cluster.primary.url(), each, settings)
      return results
    } finally {
      await cluster.stop()
    }
  },
}
