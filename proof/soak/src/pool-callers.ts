import type { QueryConfig } from 'pg'
import type { Errand } from './errand.js'
import { codeOf, hasMessage, type Operation } from './operation.js'

const MOST_AT_ONCE = 40

/** Callers of `pool.query`, many at once: with `--shared` their queries share connections. */
export const POOL_CALLERS: readonly Operation[] = [
  {
    name: 'queries of the pg.Pool, many at once',
    weight: 12,
    run: async (errand) => {
      await each(errand, async (n) => {
        const { rows } = await errand.manager.pool.query<{ n: number }>(
          n % 3 === 0
            ? { name: 'soak pool', text: 'select $1::int as n', values: [n] }
            : { text: 'select $1::int as n', values: [n] },
        )
        if (rows[0]?.n !== n) throw new Error(`asked for ${n}, and was answered ${rows[0]?.n}`)
      })
    },
  },
  {
    name: 'writes of the pg.Pool, many at once',
    weight: 8,
    run: async (errand) => {
      await each(errand, () =>
        errand.writes.note(
          errand.writes.insert(errand.manager.pool, errand.name),
          // Each commits by itself, so an error on the way back does not tell.
          () => true,
        ),
      )
    },
  },
  {
    name: 'query of the pg.Pool that fails',
    weight: 4,
    run: async (errand) => {
      await errand.manager.pool.query('select 1 / 0')
    },
    expects: (error) => codeOf(error) === '22012',
  },
  {
    name: 'slow query of the pg.Pool',
    weight: 3,
    run: async (errand) => {
      await errand.manager.pool.query(`select pg_sleep(${errand.random.between(20, 200) / 1000})`)
    },
  },
  {
    name: 'query of the pg.Pool that times out',
    weight: 3,
    run: async (errand) => {
      const query = { text: `select pg_sleep(${errand.random.between(20, 40)})`, query_timeout: 50 }
      await errand.manager.pool.query(query as QueryConfig)
    },
    expects: (error) => hasMessage(error, 'Query read timeout'),
  },
]

/** So many at once; rejects with the first error when all have ended. */
async function each(errand: Errand, ask: (n: number) => Promise<unknown>): Promise<void> {
  const first = errand.random.between(1, 1_000_000)
  const count = errand.random.between(1, MOST_AT_ONCE)
  const outcomes = await Promise.allSettled(
    Array.from({ length: count }, (_each, index) => ask(first + index)),
  )
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}
