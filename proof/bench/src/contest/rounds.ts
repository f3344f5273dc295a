import { ContenderProcess } from './contender-process.js'
import { processorTimeOf } from './processor-time.js'
import type { Window, WindowOrder } from './window.js'

/** What is asked, and the server whose processor time counts; undefined if there is none. */
export interface Server {
  readonly url: string
  readonly pid?: number | undefined
}

/** How much is measured. */
export interface Effort {
  /** Groups of processes, one after the other. */
  readonly groups: number
  /** Windows of each contender in each group, for each number of callers. */
  readonly rounds: number
  /** For so long each contender is warmed. */
  readonly warmUpMs: { readonly least: number; readonly most: number }
  /** Of a window with few callers; short, so that what disturbs the machine disturbs all alike. */
  readonly windowMs: number
}

/** What {@link measureContenders} measures. */
export interface Contest {
  /** The module of the suite, which exports `cases`. */
  readonly module: string
  /** Names of contenders by case. */
  readonly cases: Readonly<Record<string, readonly string[]>>
  readonly callers: readonly number[]
  readonly server: Server
  /**
   * Contenders of the same side are in one process. With both in it, or several cases, each finds what V8 has learnt of the others;
   * to start a process takes time.
   */
  readonly sideOf: (contender: string, name: string) => string
}

/** A contender is warm after so many windows of which none was faster than the fastest before it by so much. */
const WARMING = { windowMs: 100, windows: 10, faster: 0.98 }

/** The windows of one contender, by the process that ran them. */
export type WindowGroups = readonly (readonly Window[])[]
/** By the number of callers, then by contender. */
export type CaseWindows = ReadonlyMap<number, ReadonlyMap<string, WindowGroups>>

/** Of more callers a window lasts longer: at its end fewer and fewer of them ask. */
const WINDOW_MS_PER_CALLER = 1
/** With fewer callers than connections only some of these would be warm. */
const FEWEST_WHEN_WARMING = 10

/** Ours in one process and all others in another. */
export function oursOrNot(contender: string): string {
  return contender.startsWith('connmgr') ? 'ours' : 'theirs'
}

/** Each contender of each case in a process of its own. */
export function eachByItself(contender: string, name: string): string {
  return `${name}, ${contender}`
}

/**
 * Measures the contenders of some cases, in processes that run short windows in turn. The processor time of a window includes
 * that of the server.
 *
 * By what chance V8 compiles one process better than another is the same for all its windows, so that several groups of
 * processes are measured, one after the other.
 */
export async function measureContenders(
  contest: Contest,
  effort: Effort,
): Promise<ReadonlyMap<string, CaseWindows>> {
  const results = new Map(
    Object.entries(contest.cases).map(([name, contenders]) => [
      name,
      new Map(
        contest.callers.map((callers) => [
          callers,
          new Map(contenders.map((contender) => [contender, [] as Window[][]])),
        ]),
      ),
    ]),
  )
  for (let number = 0; number < effort.groups; number += 1) {
    const group = new Group(contest, effort)
    try {
      for (const [name, byCallers] of results) {
        const contenders = contest.cases[name] ?? []
        await group.warmUp(name, contenders)
        for (const [callers, byContender] of byCallers) {
          const windows = await group.measure(name, contenders, callers)
          for (const [contender, each] of windows) byContender.get(contender)?.push(each)
        }
        await group.close(name, contenders)
      }
    } finally {
      group.end()
    }
  }
  return results
}

/** A process for each side. */
class Group {
  readonly #contest: Contest
  readonly #effort: Effort
  readonly #processes = new Map<string, ContenderProcess>()

  constructor(contest: Contest, effort: Effort) {
    this.#contest = contest
    this.#effort = effort
  }

  /** Runs each contender until it gets no faster: V8 goes on optimising for seconds, of an ORM longer than of a driver. */
  async warmUp(name: string, contenders: readonly string[]): Promise<void> {
    const callers = Math.max(...this.#contest.callers, FEWEST_WHEN_WARMING)
    for (const contender of contenders) {
      const process = this.#processOf(contender, name)
      const order = { case: name, contender, callers, durationMs: WARMING.windowMs }
      const { least, most } = this.#effort.warmUpMs
      let fastest = Number.POSITIVE_INFINITY
      let since = 0
      for (let ms = 0; ms < most; ms += order.durationMs) {
        if (ms >= least && since >= WARMING.windows) break
        const { wall } = await process.window(order)
        since = wall < fastest * WARMING.faster ? 0 : since + 1
        fastest = Math.min(fastest, wall)
      }
    }
  }

  async measure(
    name: string,
    contenders: readonly string[],
    callers: number,
  ): Promise<Map<string, Window[]>> {
    const durationMs = Math.max(this.#effort.windowMs, callers * WINDOW_MS_PER_CALLER)
    const results = new Map(contenders.map((contender) => [contender, [] as Window[]]))
    for (let round = 0; round < this.#effort.rounds; round += 1)
      for (let index = 0; index < contenders.length; index += 1) {
        const contender = contenders[(index + round) % contenders.length] as string
        const window = await this.#window({ case: name, contender, callers, durationMs })
        results.get(contender)?.push(window)
      }
    return results
  }

  async close(name: string, contenders: readonly string[]): Promise<void> {
    for (const contender of contenders) {
      const last = { case: name, contender, callers: 1, durationMs: 1, isLast: true } as const
      await this.#processOf(contender, name).window(last)
    }
  }

  end(): void {
    for (const each of this.#processes.values()) each.end()
  }

  async #window(order: WindowOrder): Promise<Window> {
    const { pid } = this.#contest.server
    const served = processorTimeOf(pid)
    const window = await this.#processOf(order.contender, order.case).window(order)
    const share = (processorTimeOf(pid) - served) / window.queries
    return { ...window, processor: window.processor + share }
  }

  #processOf(contender: string, name: string): ContenderProcess {
    const { module, server, sideOf } = this.#contest
    const side = sideOf(contender, name)
    let process = this.#processes.get(side)
    if (process === undefined) {
      process = new ContenderProcess(module, server.url)
      this.#processes.set(side, process)
    }
    return process
  }
}

/** What two contenders came to beside each other, in each round. */
export function beside(
  groups: WindowGroups,
  bases: WindowGroups,
  what: 'processor' | 'wall',
  compare: (value: number, base: number) => number,
): number[][] {
  return groups.map((windows, group) => {
    const base = bases[group] as readonly Window[]
    return windows.map((window, round) => compare(window[what], (base[round] as Window)[what]))
  })
}
