import type { QueryResult } from 'pg'
import { codeOf, hasMessage, type Operation } from './operation.js'

interface Answer {
  readonly answer: number
}

class WorkError extends Error {}

/** Callers who keep to the rules, whatever happens to them. */
export const GOOD_CALLERS: readonly Operation[] = [
  {
    name: 'short query',
    weight: 30,
    run: (errand) =>
      errand.use((client) =>
        ask(errand.random.between(1, 1_000_000), (asked) =>
          client.query<Answer>('select $1::int as answer', [asked]),
        ),
      ),
  },
  {
    name: 'named query',
    weight: 8,
    run: (errand) =>
      errand.use((client) =>
        ask(errand.random.between(1, 1_000_000), (asked) =>
          client.query<Answer>({
            name: 'soak',
            text: 'select $1::int as answer',
            values: [asked],
          }),
        ),
      ),
  },
  {
    name: 'query of the pg.Pool',
    weight: 8,
    run: (errand) =>
      ask(errand.random.between(1, 1_000_000), (asked) =>
        errand.manager.pool.query<Answer>('select $1::int as answer', [asked]),
      ),
  },
  {
    name: 'slow query',
    weight: 6,
    run: (errand) =>
      errand.use(async (client) => {
        await client.query(`select pg_sleep(${errand.random.between(50, 400) / 1000})`)
      }),
  },
  {
    name: 'query that fails',
    weight: 4,
    run: (errand) =>
      errand.use(async (client) => {
        await client.query('select 1 / 0')
      }),
    expects: (error) => codeOf(error) === '22012',
  },
  {
    name: 'write without a transaction',
    weight: 6,
    run: (errand) =>
      errand.use((client) =>
        errand.writes.note(
          errand.writes.insert(client, errand.name),
          // It commits by itself, so an error on the way back does not tell.
          () => true,
        ),
      ),
  },
  {
    name: 'transaction, committed',
    weight: 12,
    run: (errand) =>
      errand.writes.note(
        errand.transaction((client) => errand.writes.insert(client, errand.name)),
        (error) => codeOf(error) === 'CONNMGR_COMMIT_OUTCOME_UNKNOWN',
      ),
  },
  {
    name: 'transaction, work throws',
    weight: 6,
    run: (errand) =>
      errand.transaction(async (client) => {
        await errand.writes.insert(client, errand.name)
        throw new WorkError('the work has thrown')
      }),
    expects: (error) => error instanceof WorkError,
  },
  {
    name: 'transaction, failure ignored',
    weight: 3,
    run: (errand) =>
      errand.transaction(async (client) => {
        await errand.writes.insert(client, errand.name)
        await client.query('select 1 / 0').catch(() => {})
      }),
    expects: (error) => hasMessage(error, 'the transaction was rolled back'),
  },
  {
    name: 'transaction by hand, rolled back',
    weight: 6,
    run: (errand) =>
      errand.use(async (client) => {
        await client.query('begin')
        await errand.writes.insert(client, errand.name)
        await client.query('rollback')
      }),
  },
]

/** Rejects if the answer is that to another caller's question. */
async function ask(
  asked: number,
  query: (asked: number) => Promise<QueryResult<Answer>>,
): Promise<void> {
  const { rows } = await query(asked)
  if (rows[0]?.answer !== asked) {
    throw new Error(`asked for ${asked}, and was answered ${rows[0]?.answer}`)
  }
}
