import { setTimeout as delay } from 'node:timers/promises'
import { estimate, ratioWithNoise } from './contest/estimate.js'
import { median } from './measure.js'
import type { Measured } from './suite.js'

/** How long the server takes for each write, so that several are in flight when it is harmed. */
export const WRITE_S = 0.1

const PAUSE_MS = 20
const MOST_IN_FLIGHT = 10
const STEADY_MS = 700
/** A client that has not written again by then counts as one that took so long. */
const OBSERVED_MS = 5000
const LOOK_MS = 5
/** So many writes after the harm are waited for. */
const WRITES = 5

/** A client that writes. */
interface Writer {
  readonly write: (id: string) => Promise<unknown>
  readonly close: () => Promise<unknown>
}

export type WriterOpener = () => Promise<Writer>

/** Harms the server; resolves with the time from which on it could take writes. */
export type Harm = () => Promise<number>

/** Milliseconds from when the server could take writes to the first that has succeeded, and to the fifth. */
interface Recovery {
  readonly first: number
  readonly fifth: number
}

/**
 * Harms the server under one client after the other, in turn, each opened for that; compares how long each of them is in
 * writing again, with the median of its ratios to `base`, taken within each round, and a bound of noise.
 */
export async function compareRecoveries(
  openers: Readonly<Record<string, WriterOpener>>,
  base: string,
  harm: Harm,
  rounds: number,
): Promise<Measured> {
  const contenders = Object.entries(openers).map(([name, open]) => ({
    name,
    open,
    recoveries: [] as Recovery[],
  }))
  // The round before them all warms up.
  for (let round = -1; round < rounds; round += 1) {
    for (let index = 0; index < contenders.length; index += 1) {
      const each = contenders[
        (index + round + 1) % contenders.length
      ] as (typeof contenders)[number]
      const recovery = await recover(each.open, harm)
      if (round >= 0) each.recoveries.push(recovery)
    }
  }
  const of = (what: keyof Recovery): Record<string, number> =>
    Object.fromEntries(
      contenders.map(({ name, recoveries }) => [
        name,
        Math.round(median(recoveries.map((each) => each[what])) * 1e6),
      ]),
    )
  const bases = contenders.find(({ name }) => name === base)?.recoveries ?? []
  const ratio = Object.fromEntries(
    contenders
      .filter(({ name }) => name !== base)
      .map(({ name, recoveries }) => [
        name,
        ratioWithNoise(
          estimate([
            recoveries.map(({ first }, round) => first / (bases[round]?.first ?? Number.NaN)),
          ]),
        ),
      ]),
  )
  return {
    times: of('first'),
    also: { 'fifth write time': of('fifth'), [`ratio to ${base}`]: ratio },
  }
}

async function recover(open: WriterOpener, harm: Harm): Promise<Recovery> {
  const writer = await open()
  try {
    await writer.write('first')
    const load = new Load(writer)
    await delay(STEADY_MS)
    const harmedAt = performance.now()
    const writableAt = await harm()
    const recovered = await load.recovered(harmedAt, writableAt)
    await load.stop()
    return recovered
  } finally {
    await writer.close()
  }
}

/** A write every 20 ms, at most ten at once. */
class Load {
  readonly #writer: Writer
  readonly #timer: NodeJS.Timeout
  readonly #succeeded: { readonly begunAt: number; readonly at: number }[] = []
  readonly #inFlight = new Set<Promise<void>>()
  #begun = 0

  constructor(writer: Writer) {
    this.#writer = writer
    const start = performance.now()
    let due = 0
    this.#timer = setInterval(() => {
      const now = performance.now()
      for (; due * PAUSE_MS < now - start; due += 1)
        if (this.#inFlight.size < MOST_IN_FLIGHT) this.#write(now)
    }, PAUSE_MS / 2)
  }

  /** Waits for the first writes that were answered after the server could take writes, and were begun, or waited, for that. */
  async recovered(harmedAt: number, writableAt: number): Promise<Recovery> {
    const end = writableAt + OBSERVED_MS
    const since = (index: number): number =>
      (this.#after(harmedAt, writableAt)[index] ?? end) - writableAt
    while (performance.now() < end && this.#after(harmedAt, writableAt).length < WRITES)
      await delay(LOOK_MS)
    return { first: since(0), fifth: since(WRITES - 1) }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.race([Promise.all(this.#inFlight), delay(OBSERVED_MS)])
  }

  #after(harmedAt: number, writableAt: number): number[] {
    return this.#succeeded
      .filter(({ at, begunAt }) => begunAt > harmedAt && at > writableAt)
      .map(({ at }) => at)
  }

  #write(begunAt: number): void {
    this.#begun += 1
    const writing = this.#writer
      .write(String(this.#begun))
      .then(
        () => {
          this.#succeeded.push({ begunAt, at: performance.now() })
        },
        // What was in flight fails; so does what a client sends to a server that is gone.
        () => {},
      )
      .finally(() => this.#inFlight.delete(writing))
    this.#inFlight.add(writing)
  }
}
