// A process of its own that calls for `select 1`, with insights or without: switching them in one process would have its
// code optimised anew each time. Runs a window at each message.
import { insights } from '@connmgr/insights'
import { createConnectionManager } from '@connmgr/pg'
import type { CallerOrder, Window } from './paired.js'

/** All of it, with bounds that send questions to the server too. */
const EVERYTHING = { plans: true, slowMs: 50, blockingMs: 100 } as const

const [url, state, call] = process.argv.slice(2)
const manager = createConnectionManager({
  databaseUrl: url as string,
  poolSize: 10,
  maxOverflow: 0,
  logger: false,
})
if (state === 'on') insights(manager, EVERYTHING)

async function byConnect(): Promise<unknown> {
  const client = await manager.pool.connect()
  try {
    return await client.query('select 1')
  } finally {
    client.release()
  }
}
const query = call === 'connect' ? byConnect : () => manager.pool.query('select 1')

async function run({ callers, statements }: CallerOrder): Promise<Window> {
  let left = statements
  const used = process.cpuUsage()
  const startedAt = performance.now()
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (left > 0) {
        left -= 1
        await query()
      }
    }),
  )
  const wall = ((performance.now() - startedAt) * 1e6) / statements
  const { system, user } = process.cpuUsage(used)
  return { wall, processor: ((user + system) * 1000) / statements }
}

process.on('message', (order: CallerOrder) => {
  run(order).then(
    (window) => process.send?.(window),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
