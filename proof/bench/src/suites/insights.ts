import { insights } from '@connmgr/insights'
import type { PgConnectionManager } from '@connmgr/pg'
import { MadeUpManager, startCluster } from '@connmgr/testing'
import { type Estimate, estimate } from '../contest/estimate.js'
import {
  beside,
  type Effort,
  eachByItself,
  measureContenders,
  type WindowGroups,
} from '../contest/rounds.js'
import { collectGarbage, median } from '../measure.js'
import { CONNECTIONS, managerOf } from '../postgres-subjects.js'
import type { Cases, Opener } from '../subjects.js'
import type { Measured, Settings, Suite } from '../suite.js'

const CALLERS = 10
const EFFORT: Readonly<Record<'full' | 'quick', Effort>> = {
  quick: { groups: 3, rounds: 100, warmUpMs: { least: 4000, most: 8000 }, windowMs: 20 },
  full: { groups: 5, rounds: 150, warmUpMs: { least: 4000, most: 8000 }, windowMs: 20 },
}
/** Of an interval, as a share of what a statement takes, and of the value in it. */
const WIDEST = { ofStatement: 0.02, ofValue: 0.25 }
const FINGERPRINTS = 500
const CALLS_OF_EACH = 200

/** All of it, with bounds that send questions to the server too. */
const EVERYTHING = { plans: true, slowMs: 50, blockingMs: 100 } as const

/** How a statement is sent. */
const CALLS: Readonly<Record<string, (manager: PgConnectionManager) => Promise<unknown>>> = {
  'select 1': (manager) => manager.pool.query('select 1'),
  async 'select 1 by connect'(manager) {
    const client = await manager.pool.connect()
    try {
      return await client.query('select 1')
    } finally {
      client.release()
    }
  },
}
/** What this measurement finds where there is nothing: in both nothing is on. */
const NOISE = 'noise, off beside off'

function asking(ask: (manager: PgConnectionManager) => Promise<unknown>, isOn: boolean): Opener {
  return async (url) => {
    const manager = managerOf(url)
    if (isOn) insights(manager, EVERYTHING)
    return { query: () => ask(manager), close: () => manager.close() }
  }
}

/** @public as processes of contenders import it by the name of this file */
export const cases: Cases = Object.fromEntries(
  [...Object.entries(CALLS), [NOISE, CALLS['select 1'] as (typeof CALLS)[string]] as const].map(
    ([name, ask]) => [name, { off: asking(ask, false), on: asking(ask, name !== NOISE) }],
  ),
)

/** What insights cost each statement. */
async function overhead({ quick }: Settings): Promise<Record<string, Measured>> {
  const cluster = await startCluster()
  try {
    const results: Record<string, Measured> = {}
    // One after the other, each in processes of its own: what insights leave behind is not to be seen in the next.
    for (const name of Object.keys(cases)) {
      const measured = await measureContenders(
        {
          module: __filename,
          cases: { [name]: ['off', 'on'] },
          callers: [CALLERS],
          // Without that of the server: insights ask it nothing for a statement.
          server: { url: cluster.primary.url() },
          sideOf: eachByItself,
        },
        quick ? EFFORT.quick : EFFORT.full,
      )
      const { off, on } = Object.fromEntries(measured.get(name)?.get(CALLERS) ?? [])
      results[`${name}/callers-${CALLERS}`] = measuredOf(off as WindowGroups, on as WindowGroups)
    }
    return results
  } finally {
    await cluster.stop()
  }
}

function measuredOf(off: WindowGroups, on: WindowGroups): Measured {
  const middle = (groups: WindowGroups, what: 'processor' | 'wall'): number =>
    median(groups.flat().map((window) => window[what]))
  const more = (a: number, b: number): number => a - b
  const share = (a: number, b: number): number => a / b - 1
  return {
    times: { off: middle(off, 'wall'), on: middle(on, 'wall') },
    also: {
      'processor time': { off: middle(off, 'processor'), on: middle(on, 'processor') },
      'processor, more': { on: shown(estimate(beside(on, off, 'processor', more)), 0.001, 'µs') },
      'processor, share': { on: shareOf(estimate(beside(on, off, 'processor', share))) },
      windows: { on: on.flat().length },
      'clock, share': { on: shareOf(estimate(beside(on, off, 'wall', share))) },
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
