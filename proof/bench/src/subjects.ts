import { interleave, percentile } from './measure.js'
import type { Measured, Settings } from './suite.js'

/** Rows of the table that is asked; ids are those below. */
export const ROWS = 1000
/** They are short, so that one collection of garbage is a large part of one. */
const QUICK_ROUNDS = 5

/** Something that runs one query; `close` ends it. */
export interface Subject {
  readonly query: (id: number) => Promise<unknown>
  readonly close: () => Promise<unknown>
}

export type Opener = (url: string) => Promise<Subject>

/** So many callers ask one query after the other for a while. */
async function load(
  { query: ask }: Subject,
  callers: number,
  durationMs: number,
  latencies: number[],
): Promise<number> {
  let done = 0
  const start = performance.now()
  const end = start + durationMs
  await Promise.all(
    Array.from({ length: callers }, async (_each, caller) => {
      for (let begun = performance.now(); begun < end; ) {
        await ask((caller * 7919 + done) % ROWS)
        const now = performance.now()
        latencies.push((now - begun) * 1e6)
        begun = now
        done += 1
      }
    }),
  )
  return ((performance.now() - start) * 1e6) / done
}

/** Compares what the same callers get from each, in turn. */
export async function compare(
  openers: Readonly<Record<string, Opener>>,
  url: string,
  callers: number,
  { quick, rounds }: Settings,
): Promise<Measured> {
  const subjects = await Promise.all(
    Object.entries(openers).map(async ([name, open]) => ({ name, subject: await open(url) })),
  )
  const latencies: Record<string, number[]> = {}
  const times = await interleave(
    subjects.map(({ name, subject }) => ({
      name,
      run: () => {
        latencies[name] ??= []
        return load(subject, callers, quick ? 40 : 400, latencies[name])
      },
    })),
    quick ? QUICK_ROUNDS : rounds,
  )
  for (const { subject } of subjects) await subject.close()
  const p99 = Object.fromEntries(
    Object.entries(latencies).map(([name, all]) => [name, Math.round(percentile(all, 0.99))]),
  )
  return { times, also: { p99 } }
}
