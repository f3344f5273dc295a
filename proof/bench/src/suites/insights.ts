import { channel } from 'node:diagnostics_channel'
import { type Insights, insights } from '@connmgr/insights'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { startCluster } from '@connmgr/testing'
import { collectGarbage } from '../measure.js'
import { compare } from '../steady.js'
import type { Opener, Subject } from '../subjects.js'
import type { Measured, Settings, Suite } from '../suite.js'

const CONNECTIONS = 10
const CALLERS = 10
const FINGERPRINTS = 500
const CALLS_OF_EACH = 200

/** All of it, with bounds that send questions to the server too. */
const EVERYTHING = { plans: true, slowMs: 50, blockingMs: 100 } as const

function managerOf(url: string): PgConnectionManager {
  return createConnectionManager({
    databaseUrl: url,
    poolSize: CONNECTIONS,
    maxOverflow: 0,
    logger: false,
  })
}

/** @param send one statement, as an application would */
function contender(
  send: (manager: PgConnectionManager, watched: Insights) => Promise<unknown>,
  on: boolean,
): Opener {
  return async (url): Promise<Subject> => {
    const manager = managerOf(url)
    const watched = insights(manager, EVERYTHING)
    // Channels are the process's: between its own turns it must cost the other nothing.
    watched.pause()
    return {
      query: () => send(manager, watched),
      begin: () => {
        if (on) watched.resume()
      },
      end: () => watched.pause(),
      close: async () => {
        await watched.close()
        await manager.close()
      },
    }
  }
}

const WAYS = {
  'select 1': (manager: PgConnectionManager) => manager.pool.query('select 1'),
  'select 1 by connect': async (manager: PgConnectionManager) => {
    const client = await manager.pool.connect()
    try {
      return await client.query('select 1')
    } finally {
      client.release()
    }
  },
}

async function overhead(settings: Settings): Promise<Record<string, Measured>> {
  const cluster = await startCluster()
  try {
    const server = { url: cluster.primary.url(), pid: cluster.primary.pid }
    const results: Record<string, Measured> = {}
    for (const [name, send] of Object.entries(WAYS)) {
      const openers = { on: contender(send, true), off: contender(send, false) }
      results[`${name}/callers-${CALLERS}`] = await compare(
        openers,
        'off',
        server,
        CALLERS,
        settings,
      )
    }
    return results
  } finally {
    await cluster.stop()
  }
}

/** What insights keep of so many fingerprints with all kinds of times, in bytes. */
async function memory(): Promise<Measured> {
  const manager = managerOf('postgresql://nobody@127.0.0.1:1/none')
  const start = channel('tracing:connmgr:query:start')
  const end = channel('tracing:connmgr:query:asyncEnd')
  const used = (): number => {
    collectGarbage()
    collectGarbage()
    const { external, heapUsed } = process.memoryUsage()
    return heapUsed + external
  }
  const run = (): void => {
    for (let call = 0; call < CALLS_OF_EACH; call += 1)
      for (let shape = 0; shape < FINGERPRINTS; shape += 1) {
        const columns = Array.from({ length: 12 }, (_each, at) => `"table_${shape}"."column_${at}"`)
        const context = {
          manager: manager.id,
          pool: 'bench',
          database: 'postgresql',
          text: `select ${columns.join(', ')} from "table_${shape}" where "id" = $1 limit ${call % 10}`,
          startedAt: performance.now(),
        }
        start.publish(context)
        // From a microsecond to a quarter of an hour.
        const runMs = 0.001 * 1.1 ** (call % 200)
        end.publish(Object.assign(context, { waitMs: runMs / 7, runMs, rowCount: 1 }))
      }
  }
  const warm = insights(manager, EVERYTHING)
  run()
  await warm.close()
  const before = used()
  const watched = insights(manager, EVERYTHING)
  run()
  watched.pause()
  const bytes = used() - before
  const kept = watched.snapshot().totals.fingerprints
  await watched.close()
  await manager.close()
  return { times: { on: bytes }, unit: 'bytes', also: { fingerprints: { on: kept } } }
}

export const insightsSuite: Suite = {
  name: 'insights',
  about: `everything on beside off, ${CONNECTIONS} connections; and what ${FINGERPRINTS} fingerprints take`,
  peers: ['off'],
  async run(settings) {
    return {
      ...(await overhead(settings)),
      [`memory/fingerprints-${FINGERPRINTS}`]: await memory(),
    }
  },
}
