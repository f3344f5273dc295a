import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
/** Collects all garbage, for weighing what is left. Never before measuring time, as it also drops optimized code. */
export const collectGarbage = runInNewContext('gc') as () => void

/** Times of one case, in nanoseconds per operation, by contender. */
export type Times = Record<string, number>

export interface Contender {
  readonly name: string
  /** Runs once and gives its nanoseconds per operation. */
  readonly run: () => Promise<number>
}

/**
 * Runs all contenders in turn, round after round, so that whatever disturbs the machine disturbs each alike; gives the
 * median of each. Who goes first changes with every round. One round before them all warms up, unless all are warm.
 */
export async function interleave(
  contenders: readonly Contender[],
  rounds: number,
  state: 'cold' | 'warm' = 'cold',
): Promise<Times> {
  const times = new Map(contenders.map(({ name }) => [name, [] as number[]]))
  for (let round = state === 'cold' ? -1 : 0; round < rounds; round += 1) {
    for (let index = 0; index < contenders.length; index += 1) {
      const contender = contenders[(index + round + 1) % contenders.length] as Contender
      const time = await contender.run()
      if (round >= 0) times.get(contender.name)?.push(time)
    }
  }
  return Object.fromEntries([...times].map(([name, list]) => [name, median(list)]))
}

/** The middle of some values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number
}

/** Nanoseconds per operation of `work`, which does `operations` of them. */
export async function nanosecondsPer(
  operations: number,
  work: () => Promise<unknown>,
): Promise<number> {
  const start = process.hrtime.bigint()
  await work()
  return Number(process.hrtime.bigint() - start) / operations
}
