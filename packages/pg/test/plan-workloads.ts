import { PlanTimes } from '../src/prepared/times/plan-times.js'
import { CUSTOM_RUNS } from '../src/prepared/times/plan-trial.js'

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const normal = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())

/** How long a run takes, in milliseconds. */
export type TimeOf = (run: {
  /** Planned for its values. */
  readonly custom: boolean
  /** Runs of all connections so far. */
  readonly at: number
  readonly random: () => number
}) => number

/** Noise about a median of a millisecond, by name. None of it has to do with plans. */
export const NOISES: Readonly<Record<string, () => TimeOf>> = {
  'heavy tails':
    () =>
    ({ random }) =>
      Math.exp(1.5 * normal(random)),
  'no second moment':
    () =>
    ({ random }) =>
      0.5 * (1 - random()) ** (-1 / 1.1),
  'a rare and a common kind of value':
    () =>
    ({ random }) =>
      (random() < 0.2 ? 50 : 0.3) * Math.exp(0.3 * normal(random)),
  'bursts of load': () => {
    let busy = 1
    return ({ random }) => {
      if (random() < 0.02) busy = random() < 0.5 ? 1 : 20
      return busy * Math.exp(0.5 * normal(random))
    }
  },
  'load that follows the load before': () => {
    let level = 0
    return ({ random }) => {
      level = 0.97 * level + 0.25 * normal(random)
      return Math.exp(level + 0.3 * normal(random))
    }
  },
  'load that grows':
    () =>
    ({ at, random }) =>
      Math.exp(at / 1500 + 0.3 * normal(random)),
  'load that ceases':
    () =>
    ({ at, random }) =>
      30 * Math.exp(-at / 1500 + 0.3 * normal(random)),
  'load that doubles at once':
    () =>
    ({ at, random }) =>
      (at < 500 ? 1 : 8) * Math.exp(0.3 * normal(random)),
  'a rhythm of 13 runs':
    () =>
    ({ at, random }) =>
      (at % 13 < 4 ? 0.2 : 4) * Math.exp(0.1 * normal(random)),
  'a rhythm of 18 runs':
    () =>
    ({ at, random }) =>
      (at % 18 < 9 ? 0.2 : 4) * Math.exp(0.1 * normal(random)),
  'a first run that reads everything':
    () =>
    ({ at, random }) =>
      (at < 30 ? 20 : 1) * Math.exp(0.3 * normal(random)),
}

export interface Simulated {
  readonly times: PlanTimes
  /** How often the statement was prepared anew to compare. */
  readonly anew: number
  /** The run after which a jump was first reported. */
  readonly jumpedAt: number | undefined
}

/** Runs a text on so many connections. Returns what has come of it. */
export function simulate(
  timeOf: TimeOf,
  { connections = 4, runs = 4000, seed = 1, lifetime = 1500 } = {},
): Simulated {
  const random = randomFrom(seed)
  let at = 0
  let now = 0
  const times = new PlanTimes({ random, now: () => now, wallTime: () => at })
  const fresh = () => ({ runs: 0, latest: 0, gone: false })
  const statements = Array.from({ length: connections }, fresh)
  let anew = 0
  let jumpedAt: number | undefined
  for (at = 0; at < runs; at += 1) {
    // The connection that was used last is used first, more often than not.
    const which = Math.floor(random() ** 2 * connections)
    let statement = statements[which] as ReturnType<typeof fresh>
    if (statement.runs >= lifetime * (1 + which)) {
      statement.gone = true
      statement = fresh()
    } else if (times.wantsAnew(statement)) {
      anew += 1
      statement.gone = true
      statement = fresh()
      times.preparedAnew(statement)
    }
    statements[which] = statement
    const timing = times.next(statement, true)
    const ms = timeOf({ custom: statement.runs <= CUSTOM_RUNS.last, at, random })
    timing?.begin()
    now += ms
    timing?.end()
    if (times.jump !== undefined) jumpedAt ??= at
  }
  return { times, anew, jumpedAt }
}
