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
  /** Pairs of processes, as V8 compiles the same program now faster, now slower code. */
  readonly processes: number
  /** For how long pairs of windows are measured. */
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
  /** Of windows. */
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
/** Of each pair of processes. */
const FEWEST_WINDOWS = 10

/** Two processes that run windows in turn, one with what is measured and one without. */
interface Pair {
  readonly off: Caller
  readonly on: Caller
  readonly windows: { readonly off: Window; readonly on: Window }[]
}

/**
 * Measures what something costs on a machine that others use too: one process has it and one has not, and they run short
 * windows in turn. What disturbs the machine is the same for both, or hits one pair; the median over all pairs is not moved
 * by it. By what chance V8 compiles one process better than another is the same for all its windows: several pairs of
 * processes are measured, and resampling these, and the windows of each, says how far the median may be off.
 *
 * @param program what all run; its arguments name the state
 */
export async function costOf(
  program: string,
  argumentsOf: (state: 'off' | 'on') => string[],
  settings: PairedSettings,
): Promise<Cost> {
  const pairs: Pair[] = Array.from({ length: settings.processes }, () => ({
    off: new Caller(program, argumentsOf('off')),
    on: new Caller(program, argumentsOf('on')),
    windows: [],
  }))
  try {
    const warmAt = performance.now() + settings.warmUpMs * settings.processes
    const endAt = warmAt + settings.durationMs
    const fewest = FEWEST_WINDOWS * settings.processes
    for (let turn = 0, measured = 0; performance.now() < endAt || measured < fewest; turn += 1) {
      const isWarm = performance.now() >= warmAt
      for (const { windows, ...processes } of pairs) {
        const window = await runBoth(processes, settings, turn % 2 === 0)
        if (!isWarm) continue
        windows.push(window)
        measured += 1
      }
    }
  } finally {
    for (const { off, on } of pairs) {
      off.end()
      on.end()
    }
  }
  const windows = pairs.flatMap((each) => each.windows)
  const differences = (of: (on: Window, off: Window) => number): Estimate =>
    estimate(pairs.map((each) => each.windows.map(({ off, on }) => of(on, off))))
  return {
    off: middle(windows.map(({ off }) => off)),
    on: middle(windows.map(({ on }) => on)),
    pairs: windows.length,
    processor: differences((a, b) => a.processor - b.processor),
    processorShare: differences((a, b) => a.processor / b.processor - 1),
    wallShare: differences((a, b) => a.wall / b.wall - 1),
  }
}

async function runBoth(
  { off, on }: Pick<Pair, 'off' | 'on'>,
  order: CallerOrder,
  isOffFirst: boolean,
): Promise<{ off: Window; on: Window }> {
  if (isOffFirst) {
    const before = await off.window(order)
    return { off: before, on: await on.window(order) }
  }
  const before = await on.window(order)
  return { on: before, off: await off.window(order) }
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

/**
 * The median, and the middle 95 % of the medians of values that are drawn from these: as many groups as there are, and of
 * each as many values as it has.
 */
function estimate(groups: readonly (readonly number[])[]): Estimate {
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(
      groups.flatMap(() => {
        const group = drawnFrom(groups)
        return group.map(() => drawnFrom(group))
      }),
    ),
  ).sort((a, b) => a - b)
  return {
    value: median(groups.flat()),
    from: medians[Math.floor(0.025 * RESAMPLES)] as number,
    to: medians[Math.ceil(0.975 * RESAMPLES) - 1] as number,
  }
}

function drawnFrom<T>(values: readonly T[]): T {
  return values[Math.floor(Math.random() * values.length)] as T
}
