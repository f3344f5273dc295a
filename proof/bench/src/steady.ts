import { type Estimate, estimate, isTooNoisy, ratioWithNoise } from './contest/estimate.js'
import {
  beside,
  type Effort,
  eachByItself,
  measureContenders,
  oursOrNot,
  type Server,
  type WindowGroups,
} from './contest/rounds.js'
import { median, percentile } from './measure.js'
import type { Cases } from './subjects.js'
import type { Measured, Settings } from './suite.js'

const EFFORT: Readonly<Record<'brief' | 'full' | 'quick', Effort>> = {
  /** As part of a quick run of all suites, which takes a minute. */
  brief: { groups: 1, rounds: 24, warmUpMs: { least: 0, most: 1400 }, windowMs: 20 },
  quick: { groups: 2, rounds: 60, warmUpMs: { least: 2000, most: 8000 }, windowMs: 20 },
  full: { groups: 3, rounds: 40, warmUpMs: { least: 2000, most: 8000 }, windowMs: 20 },
}
/** Callers at once of each case. A quick run has time for few cases, if each is to be believed. */
const CALLERS = { quick: [10], full: [1, 10, 100] }

/** How {@link compareCases} compares. */
export interface Comparison {
  /** The contender to which the others of a case are compared. */
  readonly baseOf: (name: string) => string
  /** `@default` 10 in a quick run, else 1, 10 and 100 */
  readonly callers?: readonly number[]
}

/**
 * Compares what the same callers get from each contender of several cases, for each number of callers, and gives the median
 * of the ratios to the base, taken within each round, with a bound of noise. A ratio that is noisier than is any use is given
 * as what it is.
 *
 * @param module the module that exports the cases
 */
export async function compareCases(
  module: string,
  cases: Cases,
  server: Server,
  { isNamed, quick }: Settings,
  { baseOf, callers = quick ? CALLERS.quick : CALLERS.full }: Comparison,
): Promise<Record<string, Measured>> {
  const names = Object.entries(cases).map(([name, openers]) => [name, Object.keys(openers)])
  const effort = !quick ? 'full' : isNamed ? 'quick' : 'brief'
  // To start many processes is what a brief run has no time for.
  const sideOf = effort === 'brief' ? oursOrNot : eachByItself
  const measured = await measureContenders(
    { module, cases: Object.fromEntries(names), callers, server, sideOf },
    EFFORT[effort],
  )
  const results: Record<string, Measured> = {}
  for (const [name, byCallers] of measured)
    for (const [count, groups] of byCallers)
      results[`${name}/callers-${count}`] = measuredOf(groups, baseOf(name))
  return results
}

function measuredOf(of: ReadonlyMap<string, WindowGroups>, base: string): Measured {
  const each = (figure: (groups: WindowGroups) => number): Record<string, number> =>
    Object.fromEntries([...of].map(([name, groups]) => [name, figure(groups)]))
  const bases = of.get(base) as WindowGroups
  const others = [...of].filter(([name]) => name !== base)
  const ratios = (what: 'processor' | 'wall') =>
    others.map(([name, groups]) => {
      const all = beside(groups, bases, what, (value, other) => value / other)
      return [name, estimate(all)] as const
    })
  const wall = ratios('wall')
  return {
    times: each((groups) => median(groups.flat().map((window) => window.wall))),
    isNoisy: wall.some(([name, ratio]) => name === 'connmgr' && isTooNoisy(ratio)),
    also: {
      p99: each((groups) => Math.round(percentile(latenciesOf(groups), 0.99))),
      ratio: textOf(wall),
      'processor time': each((groups) =>
        Math.round(median(groups.flat().map((window) => window.processor))),
      ),
      'processor ratio': textOf(ratios('processor')),
    },
  }
}

function textOf(ratios: readonly (readonly [string, Estimate])[]): Record<string, string> {
  return Object.fromEntries(ratios.map(([name, ratio]) => [name, ratioWithNoise(ratio)]))
}

function latenciesOf(groups: WindowGroups): number[] {
  return groups.flat().flatMap(({ latencies }) => [...latencies])
}
