import type { Accidents } from '@connmgr/testing'
import { percentile } from './percentile.js'
import type { RoundContext } from './round-context.js'
import type { Measurements, Round, Scenario, ScenarioResult } from './scenario.js'

const DEADLINE_MS = 60_000
const CLEAN_UP_MS = 30_000
/**
 * From so many rounds on, the p99 of a time is held to its target. Of fewer, it is held to a multiple, which grows with how
 * busy the machine is, and time in which this process itself did not run does not count: one round may be a hiccup.
 */
const MANY_ROUNDS = 20
const LENIENCE = 3
const STALL = 'stallMs'
/** What must be none in every scenario that measures it. */
const ALWAYS_NONE = ['lost', 'duplicated', 'processCrashes', 'connectionsLeft']

export interface RunnerOptions<C extends RoundContext> {
  /** What a round of the database's scenarios works with. */
  readonly createContext: (show: (line: string) => void) => C
  readonly repeat: number
  readonly show: (line: string) => void
  /** How many times longer than on a quiet machine things take now. @default 1 */
  readonly slowness?: () => number
  /** Uncaught errors are noted there. */
  readonly accidents: Pick<Accidents, 'uncaught' | 'reports'>
}

/** Runs scenarios, one after the other, each as often as asked for. */
export class Runner<C extends RoundContext> {
  readonly #options: RunnerOptions<C>
  #context: C | undefined

  constructor(options: RunnerOptions<C>) {
    this.#options = options
  }

  async run(scenario: Scenario<C>): Promise<ScenarioResult> {
    const rounds: Round[] = []
    for (let round = 1; round <= this.#options.repeat; round += 1) {
      const which = this.#options.repeat === 1 ? '' : ` (round ${round})`
      this.#options.show(`\n${scenario.id}. ${scenario.name}${which}`)
      rounds.push(await this.#round(scenario))
    }
    return summarize(scenario, rounds, Math.max(LENIENCE, this.#options.slowness?.() ?? 1))
  }

  /** Ends what a round under way has started. */
  async cleanUp(): Promise<void> {
    await this.#context?.cleanUp()
  }

  async #round(scenario: Scenario<C>): Promise<Round> {
    const { accidents, createContext, show } = this.#options
    const context = createContext(show)
    this.#context = context
    const crashes = accidents.uncaught
    const reports = accidents.reports.length
    let figures: Measurements = {}
    try {
      figures = await withDeadline(
        scenario.run(context),
        scenario.deadlineMs ?? DEADLINE_MS,
        () => `it hangs; its last step: ${context.lastStep}`,
      )
    } catch (error) {
      context.expect(false, error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
    await withDeadline(context.cleanUp(), CLEAN_UP_MS, () => 'cleaning up hangs').catch(
      (error: Error) => context.expect(false, error.message),
    )
    const measured: Measurements = {
      ...figures,
      processCrashes: accidents.uncaught - crashes + (figures.processCrashes ?? 0),
      [STALL]: context.stalls.longestMs,
    }
    for (const name of ALWAYS_NONE) {
      const count = measured[name] ?? 0
      context.expect(count === 0, `${name} is ${count}`)
    }
    for (const report of accidents.reports.slice(reports)) this.#options.show(report)
    for (const [name, value] of Object.entries(measured))
      context.expect(!Number.isNaN(value), `${name} could not be measured`)
    return { figures: rounded(measured), failures: context.failures }
  }
}

function summarize(
  scenario: Pick<Scenario, 'id' | 'name' | 'targets'>,
  rounds: readonly Round[],
  lenience: number,
): ScenarioResult {
  const names = [...new Set(rounds.flatMap((round) => Object.keys(round.figures)))]
  const at = (share: number): Measurements =>
    Object.fromEntries(
      names.map((name) => [
        name,
        percentile(
          rounds.flatMap(({ figures }) => figures[name] ?? []),
          share,
        ),
      ]),
    )
  const figures = at(0.99)
  const failures = [...new Set(rounds.flatMap((round) => round.failures))]
  for (const [name, target] of Object.entries(scenario.targets ?? {})) {
    if (exceeds(rounds, name, target, lenience))
      failures.push(`${name} is ${figures[name]} ms, its target is ${target} ms`)
  }
  return {
    id: scenario.id,
    name: scenario.name,
    ok: failures.length === 0,
    figures,
    ...(rounds.length > 1 ? { p50: at(0.5) } : {}),
    ...(scenario.targets === undefined ? {} : { targets: scenario.targets }),
    rounds: rounds.length,
    failures,
  }
}

function exceeds(
  rounds: readonly Round[],
  name: string,
  target: number,
  lenience: number,
): boolean {
  const strict = rounds.length >= MANY_ROUNDS
  const values = rounds.flatMap(({ figures }) => {
    const value = figures[name]
    return value === undefined ? [] : [strict ? value : value - (figures[STALL] ?? 0)]
  })
  return percentile(values, 0.99) > (strict ? target : target * lenience)
}

async function withDeadline<T>(
  work: Promise<T>,
  deadlineMs: number,
  describe: () => string,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`not done within ${deadlineMs} ms: ${describe()}`)),
      deadlineMs,
    )
  })
  // What comes to an end only after the deadline has no one left to hear it.
  work.catch(() => {})
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

function rounded(figures: Measurements): Measurements {
  return Object.fromEntries(
    Object.entries(figures)
      .filter(([, value]) => !Number.isNaN(value))
      .map(([name, value]) => [name, Math.round(value * 10) / 10]),
  )
}
