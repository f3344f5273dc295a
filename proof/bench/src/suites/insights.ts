import path from 'node:path'
import { insights } from '@connmgr/insights'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { MadeUpManager, startCluster } from '@connmgr/testing'
import { collectGarbage } from '../measure.js'
import { type Cost, costOf, type Estimate } from '../paired.js'
import type { Measured, Settings, Suite } from '../suite.js'

const CONNECTIONS = 10
const CALLERS = 10
/** Of a window, which takes some 20 ms. */
const STATEMENTS = 400
const DURATION_MS = { warmUp: 6000, quick: 15_000, full: 60_000 }
/** Pairs of them: as many as the connections of one server allow. */
const PROCESSES = 3
/** Of an interval, as a share of what a statement takes, and of the value in it. */
const WIDEST = { ofStatement: 0.02, ofValue: 0.25 }
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

const CALLS = { 'select 1': 'pool', 'select 1 by connect': 'connect' } as const
const PROGRAM = path.join(__dirname, '..', 'insights-caller.js')

/** What insights cost each statement. */
async function overhead({ quick }: Settings): Promise<Record<string, Measured>> {
  const cluster = await startCluster()
  try {
    const url = cluster.primary.url()
    const results: Record<string, Measured> = {}
    const measure = (argumentsOf: (state: 'off' | 'on') => string[]): Promise<Cost> =>
      costOf(PROGRAM, argumentsOf, {
        statements: STATEMENTS,
        callers: CALLERS,
        processes: PROCESSES,
        warmUpMs: DURATION_MS.warmUp,
        durationMs: quick ? DURATION_MS.quick : DURATION_MS.full,
      })
    for (const [name, call] of Object.entries(CALLS))
      results[`${name}/callers-${CALLERS}`] = measuredOf(
        await measure((state) => [url, state, call]),
      )
    // What this measurement finds where there is nothing: both are off.
    results['noise, off beside off'] = measuredOf(await measure(() => [url, 'off', 'pool']))
    return results
  } finally {
    await cluster.stop()
  }
}

function measuredOf({ off, on, pairs, processor, processorShare, wallShare }: Cost): Measured {
  return {
    times: { off: off.wall, on: on.wall },
    also: {
      'processor time': { off: off.processor, on: on.processor },
      'processor, more': { on: `${shown(processor, 0.001, 'µs')}` },
      'processor, share': { on: shareOf(processorShare) },
      pairs: { on: pairs },
      'clock, share': { on: shareOf(wallShare) },
    },
  }
}

/** An interval that is wider than what is to be shown says so. */
function shareOf(share: Estimate): string {
  const text = shown(share, 100, '%')
  const width = share.to - share.from
  const isNoisy = width > WIDEST.ofStatement && width > WIDEST.ofValue * Math.abs(share.value)
  return isNoisy ? `too noisy (${text})` : text
}

function shown({ from, to, value }: Estimate, factor: number, unit: string): string {
  const [middle, low, high] = [value, from, to].map((each) => (each * factor).toFixed(1))
  return `${middle} ${unit} (${low} to ${high})`
}

/** What insights keep of so many fingerprints with all kinds of times, in bytes. */
async function memory(): Promise<Measured> {
  const manager = managerOf('postgresql://nowhere@127.0.0.1:1/none')
  const statements = new MadeUpManager()
  manager.observeQueries = (observer) => statements.observeQueries(observer)
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
        // From a microsecond to a quarter of an hour.
        const runMs = 0.001 * 1.1 ** (call % 200)
        statements.query(
          `select ${columns.join(', ')} from "table_${shape}" where "id" = $1 limit ${call % 10}`,
          { startedAt: performance.now(), waitMs: runMs / 7, runMs },
        )
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
  ifNamed: true,
  async run(settings) {
    return {
      ...(await overhead(settings)),
      [`memory/fingerprints-${FINGERPRINTS}`]: await memory(),
    }
  },
}
