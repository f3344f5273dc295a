import { type ChildProcess, fork } from 'node:child_process'
import { median } from './measure.js'

/** What one window came to, per statement, in nanoseconds. */
export interface Window {
  /** Of the clock. */
  readonly wall: number
  /** Of this process: all its threads. */
  readonly processor: number
}

/** A message to a caller's process. */
export interface CallerOrder {
  /** Statements of one window; so many that it takes some tens of milliseconds. */
  readonly statements: number
  readonly callers: number
}

export interface PairedSettings extends CallerOrder {
  /** For how long pairs are measured. */
  readonly durationMs: number
  readonly warmUpMs: number
}

/** A difference with the interval in which it lies at 95 %. */
export interface Estimate {
  readonly value: number
  readonly from: number
  readonly to: number
}

/** What switching something on costs. */
export interface Cost {
  readonly pairs: number
  readonly off: Window
  readonly on: Window
  /** Nanoseconds of this process per statement. */
  readonly processor: Estimate
  /** The same as a share of what a statement takes without it. */
  readonly processorShare: Estimate
  readonly wallShare: Estimate
}

const RESAMPLES = 1000
const FEWEST_PAIRS = 10

/**
 * Measures what something costs on a machine that others use too: one process has it and one has not, and they run short
 * windows in turn. What disturbs the machine is the same for both, or hits one pair; the median over all pairs is not moved
 * by it, and resampling the pairs says how far it may be off.
 *
 * @param program what both run; its arguments name the state
 */
export async function costOf(
  program: string,
  argumentsOf: (state: 'off' | 'on') => string[],
  settings: PairedSettings,
): Promise<Cost> {
  const processes = {
    off: new Caller(program, argumentsOf('off')),
    on: new Caller(program, argumentsOf('on')),
  }
  const windows = { off: [] as Window[], on: [] as Window[] }
  try {
    const warmAt = performance.now() + settings.warmUpMs
    const endAt = warmAt + settings.durationMs
    while (performance.now() < endAt || windows.on.length < FEWEST_PAIRS) {
      const order =
        windows.on.length % 2 === 0 ? (['off', 'on'] as const) : (['on', 'off'] as const)
      const isWarm = performance.now() >= warmAt
      for (const state of order) {
        const window = await processes[state].window(settings)
        if (isWarm) windows[state].push(window)
      }
    }
  } finally {
    processes.off.end()
    processes.on.end()
  }
  const { off, on } = windows
  const differences = (of: (on: Window, off: Window) => number): number[] =>
    on.map((each, at) => of(each, off[at] as Window))
  return {
    off: middle(off),
    on: middle(on),
    pairs: on.length,
    processor: estimate(differences((a, b) => a.processor - b.processor)),
    processorShare: estimate(differences((a, b) => a.processor / b.processor - 1)),
    wallShare: estimate(differences((a, b) => a.wall / b.wall - 1)),
  }
}

/** A process that runs a window at each message. */
class Caller {
  readonly #child: ChildProcess
  readonly #ended: Promise<never>

  constructor(program: string, args: readonly string[]) {
    this.#child = fork(program, args)
    this.#ended = new Promise((_resolve, reject) => {
      this.#child.once('exit', (code) => {
        reject(new Error(`the process of ${args.join(' ')} has ended with ${code}`))
      })
    })
    // A message ends it, too.
    this.#ended.catch(() => {})
  }

  async window({ callers, statements }: CallerOrder): Promise<Window> {
    const answer = new Promise<Window>((resolve) => {
      this.#child.once('message', (window) => resolve(window as Window))
    })
    this.#child.send({ callers, statements } satisfies CallerOrder)
    return Promise.race([answer, this.#ended])
  }

  end(): void {
    this.#child.kill()
  }
}

function middle(windows: readonly Window[]): Window {
  return {
    wall: median(windows.map(({ wall }) => wall)),
    processor: median(windows.map(({ processor }) => processor)),
  }
}

/** The median, and the middle 95 % of the medians of as many values that are drawn from these. */
function estimate(values: readonly number[]): Estimate {
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(values.map(() => values[Math.floor(Math.random() * values.length)] as number)),
  ).sort((a, b) => a - b)
  return {
    value: median(values),
    from: medians[Math.floor(0.025 * RESAMPLES)] as number,
    to: medians[Math.ceil(0.975 * RESAMPLES) - 1] as number,
  }
}
