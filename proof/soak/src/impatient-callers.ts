import type { QueryConfig } from 'pg'
import { codeOf, hasMessage, type Operation } from './operation.js'

/** Callers who give up: before they have a connection, or while it is busy for them. */
export const IMPATIENT_CALLERS: readonly Operation[] = [
  {
    name: 'acquire, aborted',
    weight: 6,
    run: async (errand) => {
      const controller = new AbortController()
      const timer = setTimeout(() => controller.abort(), errand.random.between(0, 40))
      try {
        await errand.borrow(async () => {}, { signal: controller.signal })
      } finally {
        clearTimeout(timer)
      }
    },
    expects: (error) => codeOf(error) === 'CONNMGR_ACQUIRE_ABORTED',
  },
  {
    name: 'acquire, aborted before',
    weight: 1,
    run: (errand) => errand.borrow(async () => {}, { signal: AbortSignal.abort() }),
    expects: (error) => codeOf(error) === 'CONNMGR_ACQUIRE_ABORTED',
  },
  {
    name: 'acquire, short deadline',
    weight: 6,
    run: (errand) => errand.borrow(async () => {}, { timeoutMs: errand.random.between(0, 40) }),
    expects: (error) => codeOf(error) === 'CONNMGR_ACQUIRE_TIMEOUT',
  },
  {
    name: 'query_timeout',
    weight: 4,
    run: (errand) =>
      errand.use(async (client) => {
        // node-postgres takes it; its types do not know it.
        const query: QueryConfig & { query_timeout: number } = {
          text: 'select pg_sleep(0.5)',
          query_timeout: errand.random.between(10, 100),
        }
        await client.query(query)
      }),
    expects: (error) => hasMessage(error, 'Query read timeout'),
  },
]
