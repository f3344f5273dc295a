import { readdirSync, readFileSync } from 'node:fs'
import { median, percentile } from './measure.js'
import { type Opener, ROWS, type Subject } from './subjects.js'
import type { Measured, Settings } from './suite.js'

/** What runs in one round of one contender; short, so that what disturbs the machine disturbs all alike. */
const WINDOW_MS = { quick: 100, full: 300 }
const ROUNDS = { quick: 5, full: 11 }
/** Before the first round: for plans on each connection, and for code to be optimised. */
const WARM_UP_MS = { quick: 500, full: 1500 }
/** A ratio whose bound of noise is wider than this is no figure. */
const MOST_NOISE = 0.15

interface Sample {
  /** Nanoseconds of the clock per query. */
  readonly wall: number
  /** Nanoseconds of processors per query: of this process and of the servers' together. */
  readonly processor: number
}

/** Callers at once of each case. A quick run has time for few cases, if each is to be believed. */
const CALLERS = { quick: [10], full: [1, 10, 100] }

/** What is asked, and the server whose processor time counts; undefined if there is none. */
export interface Server {
  readonly url: string
  readonly pid?: number | undefined
}

/**
 * Compares what the same callers get from each contender, in turn, and gives for each the median of its ratios to `base`,
 * taken within each round, with a bound of noise: half the distance between the quartiles of these, over the root of their
 * number, twice. A ratio that is noisier than {@link MOST_NOISE} is given as what it is.
 */
export async function compare(
  openers: Readonly<Record<string, Opener>>,
  base: string,
  server: Server,
  callers: number,
  { quick }: Settings,
): Promise<Measured> {
  const windowMs = quick ? WINDOW_MS.quick : WINDOW_MS.full
  const subjects = await Promise.all(
    Object.entries(openers).map(async ([name, open]) => ({
      name,
      subject: await open(server.url),
      samples: [] as Sample[],
      latencies: [] as number[],
    })),
  )
  const warmUpMs = quick ? WARM_UP_MS.quick : WARM_UP_MS.full
  for (const { subject } of subjects) await warmUp(subject, callers, warmUpMs)
  for (let round = 0; round < (quick ? ROUNDS.quick : ROUNDS.full); round += 1) {
    for (let index = 0; index < subjects.length; index += 1) {
      const each = subjects[(index + round) % subjects.length] as (typeof subjects)[number]
      each.samples.push(await sample(each, callers, windowMs, server))
    }
  }
  for (const { subject } of subjects) await subject.close()
  const of = new Map(subjects.map(({ name, samples }) => [name, samples]))
  const times = Object.fromEntries(
    [...of].map(([name, samples]) => [name, median(samples.map(({ wall }) => wall))]),
  )
  const processor = Object.fromEntries(
    [...of].map(([name, samples]) => [
      name,
      Math.round(median(samples.map((each) => each.processor))),
    ]),
  )
  return {
    times,
    also: {
      p99: Object.fromEntries(
        subjects.map(({ name, latencies }) => [name, Math.round(percentile(latencies, 0.99))]),
      ),
      ratio: ratios(of, base, 'wall'),
      'processor time': processor,
      'processor ratio': ratios(of, base, 'processor'),
    },
  }
}

/**
 * Compares the contenders of several cases, once for each number of callers.
 *
 * @param baseOf the contender to which the others of a case are compared
 */
export async function compareCases(
  cases: Readonly<Record<string, Readonly<Record<string, Opener>>>>,
  baseOf: (name: string) => string,
  server: Server,
  settings: Settings,
): Promise<Record<string, Measured>> {
  const results: Record<string, Measured> = {}
  for (const [name, openers] of Object.entries(cases))
    for (const callers of settings.quick ? CALLERS.quick : CALLERS.full)
      results[`${name}/callers-${callers}`] = await compare(
        openers,
        baseOf(name),
        server,
        callers,
        settings,
      )
  return results
}

async function warmUp(subject: Subject, callers: number, durationMs: number): Promise<void> {
  const { query } = subject
  subject.begin?.()
  let asked = 0
  const end = performance.now() + durationMs
  // With fewer callers than connections only some of these would be warm.
  await Promise.all(
    Array.from({ length: Math.max(callers, 10) }, async () => {
      while (performance.now() < end) await query(asked++ % ROWS)
    }),
  )
  subject.end?.()
}

async function sample(
  { latencies, subject }: { readonly subject: Subject; readonly latencies: number[] },
  callers: number,
  windowMs: number,
  { pid }: Server,
): Promise<Sample> {
  const { query } = subject
  subject.begin?.()
  let done = 0
  const served = processorOf(pid)
  const used = process.cpuUsage()
  const start = performance.now()
  const end = start + windowMs
  await Promise.all(
    Array.from({ length: callers }, async (_each, caller) => {
      for (let begun = performance.now(); begun < end; ) {
        await query((caller * 7919 + done) % ROWS)
        const now = performance.now()
        latencies.push((now - begun) * 1e6)
        begun = now
        done += 1
      }
    }),
  )
  const wall = ((performance.now() - start) * 1e6) / done
  const { user, system } = process.cpuUsage(used)
  const processor = ((user + system) * 1000 + processorOf(pid) - served) / done
  subject.end?.()
  return { wall, processor }
}

/** Nanoseconds that the processes of a server have run, with all their threads; 0 where the system does not tell. */
function processorOf(pid: number | undefined): number {
  if (pid === undefined) return 0
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    const processes = [String(pid), ...children.split(' ').filter((each) => each !== '')]
    return processes.reduce((sum, process) => sum + ranFor(process), 0)
  } catch {
    return 0
  }
}

function ranFor(pid: string): number {
  return readdirSync(`/proc/${pid}/task`)
    .map((thread) =>
      Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1)[0]),
    )
    .reduce((sum, each) => sum + each, 0)
}

function ratios(
  of: ReadonlyMap<string, readonly Sample[]>,
  base: string,
  what: keyof Sample,
): Record<string, string> {
  const bases = of.get(base) as readonly Sample[]
  return Object.fromEntries(
    [...of]
      .filter(([name]) => name !== base)
      .map(([name, samples]) => {
        const all = samples.map((each, round) => each[what] / (bases[round] as Sample)[what])
        return [name, ratioWithNoise(all)]
      }),
  )
}

/** About two standard errors of the median, by the quartiles. */
function noiseOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.round((sorted.length - 1) * share)] as number
  return (1.86 * (at(0.75) - at(0.25))) / Math.sqrt(sorted.length)
}

/** The median of ratios with its bound of noise; where that is wide, the bound alone. */
export function ratioWithNoise(ratios: readonly number[]): string {
  const ratio = median(ratios)
  const noise = noiseOf(ratios)
  const bound = `±${noise.toFixed(2)}`
  return noise / ratio > MOST_NOISE ? `too noisy (${bound})` : `${ratio.toFixed(2)} ${bound}`
}
