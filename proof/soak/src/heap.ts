const SAMPLE_EVERY_MS = 5000
const LONGEST_WARM_UP_MS = 30_000
/** With fewer samples, chance decides. */
const FEWEST_SAMPLES = 4
/** Growth is suspicious above this share, and above this size: a small heap breathes more. */
const MOST_GROWTH = 0.2
const MOST_GROWTH_KB = 4096

interface Sample {
  readonly minutes: number
  readonly kb: number
}

/** What the heap did after warm-up. */
export interface HeapResult {
  readonly samples: number
  readonly firstKb: number
  readonly lastKb: number
  readonly slopeKbPerMinute: number
  /** Median of the first quarter of the samples. */
  readonly earlyKb: number
  /** Median of the last quarter of the samples. */
  readonly lateKb: number
  /** False if it grew; undefined if there are too few samples to tell. */
  readonly flat: boolean | undefined
}

/** Watches whether the heap grows. */
export class Heap {
  readonly #collectGarbage: () => void
  readonly #samples: Sample[] = []
  readonly #startedAt = performance.now()
  readonly #warmUpMs: number
  readonly #timer: NodeJS.Timeout

  /** @param durationMs how long the soak lasts; a quarter of it, but no more than is needed, is warm-up */
  constructor(collectGarbage: () => void, durationMs: number) {
    this.#collectGarbage = collectGarbage
    this.#warmUpMs = Math.min(LONGEST_WARM_UP_MS, durationMs / 4)
    this.#timer = setInterval(() => this.#sample(), SAMPLE_EVERY_MS)
  }

  stop(): HeapResult {
    clearInterval(this.#timer)
    const kbs = this.#samples.map((each) => each.kb)
    const quarter = Math.max(1, Math.floor(kbs.length / 4))
    const earlyKb = median(kbs.slice(0, quarter))
    const lateKb = median(kbs.slice(-quarter))
    const grew = lateKb > earlyKb * (1 + MOST_GROWTH) && lateKb > earlyKb + MOST_GROWTH_KB
    return {
      samples: kbs.length,
      firstKb: kbs[0] ?? 0,
      lastKb: kbs.at(-1) ?? 0,
      slopeKbPerMinute: Math.round(slope(this.#samples)),
      earlyKb,
      lateKb,
      flat: kbs.length < FEWEST_SAMPLES ? undefined : !grew,
    }
  }

  #sample(): void {
    const elapsedMs = performance.now() - this.#startedAt
    if (elapsedMs < this.#warmUpMs) return
    this.#collectGarbage()
    this.#samples.push({
      minutes: elapsedMs / 60_000,
      kb: Math.round(process.memoryUsage().heapUsed / 1024),
    })
  }
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const [low = 0, high = low] = sorted.slice(Math.ceil(middle) - 1, Math.floor(middle) + 1)
  return Math.round((low + high) / 2)
}

/** By least squares. */
function slope(samples: readonly Sample[]): number {
  const mean = (read: (each: Sample) => number): number =>
    samples.reduce((sum, each) => sum + read(each), 0) / samples.length
  const minutes = mean((each) => each.minutes)
  const kb = mean((each) => each.kb)
  const spread = mean((each) => (each.minutes - minutes) ** 2)
  return spread > 0 ? mean((each) => (each.minutes - minutes) * (each.kb - kb)) / spread : 0
}
