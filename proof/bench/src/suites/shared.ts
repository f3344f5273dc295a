import { ManagedPool } from '@connmgr/pg'
import { startCluster } from '@connmgr/testing'
import type pg from 'pg'
import postgres from 'postgres'
import { CONNECTIONS, poolOf } from '../postgres-subjects.js'
import { compareCases } from '../steady.js'
import { type Cases, type Opener, ROWS, type Subject } from '../subjects.js'
import type { Suite } from '../suite.js'

/** Callers who ask nothing but queries that take so long, beside those who are measured. */
const SLOW_CALLERS = 5
const SLOW_S = 0.1

const TEXT = 'select id, name from item where id = $1'

interface Asking {
  readonly fast: (id: number) => Promise<unknown>
  readonly slow: () => Promise<unknown>
  readonly close: () => Promise<unknown>
}

function byPool(pool: pg.Pool): Asking {
  return {
    fast: (id) => pool.query(TEXT, [id]),
    slow: () => pool.query('select pg_sleep($1)', [SLOW_S]),
    close: () => pool.end(),
  }
}

const CONTENDERS: Readonly<Record<string, (url: string) => Asking>> = {
  connmgr: (connectionString) =>
    byPool(new ManagedPool({ connectionString, max: CONNECTIONS, shared: true, logger: false })),
  'pg.Pool': (url) => byPool(poolOf(url)),
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

function fastAlone(asking: Asking): Subject {
  return { query: asking.fast, close: asking.close }
}

function besideSlow({ close, fast, slow }: Asking): Subject {
  let isOpen = true
  let failure: unknown
  const askOn = async (): Promise<void> => {
    while (isOpen && failure === undefined)
      await slow().catch((error: unknown) => {
        failure = error
      })
  }
  const callers = Promise.all(Array.from({ length: SLOW_CALLERS }, askOn))
  return {
    query: (id) => (failure === undefined ? fast(id) : Promise.reject(failure)),
    close: async () => {
      isOpen = false
      await callers
      await close()
    },
  }
}

function openers(subjectOf: (asking: Asking) => Subject): Record<string, Opener> {
  return Object.fromEntries(
    Object.entries(CONTENDERS).map(([name, open]) => [
      name,
      async (url: string) => subjectOf(open(url)),
    ]),
  )
}

/** @public as processes of contenders import it by the name of this file */
export const cases: Cases = { row: openers(fastAlone), 'row beside slow ones': openers(besideSlow) }

export const shared: Suite = {
  name: 'shared',
  about: `one row by its key over at most ${CONNECTIONS} connections, with ours shared; slow: ${SLOW_CALLERS} more callers ask queries of 100 ms, which do not count`,
  // Each ratio is given beside its bound of noise.
  peers: [],
  async run(settings) {
    const cluster = await startCluster()
    try {
      await cluster.primary.query('create table item (id int primary key, name text not null)')
      await cluster.primary.query(
        `insert into item select n, 'item ' || n from generate_series(0, ${ROWS - 1}) n`,
      )
      const server = { url: cluster.primary.url(), pid: cluster.primary.pid }
      const isBrief = settings.quick && !settings.isNamed
      return await compareCases(
        __filename,
        isBrief ? { row: cases.row as Cases[string] } : cases,
        server,
        settings,
        { baseOf: () => 'pg.Pool', callers: isBrief ? [10] : [10, 100] },
      )
    } finally {
      await cluster.stop()
    }
  },
}
