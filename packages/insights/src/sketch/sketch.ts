import type { Distribution } from '../snapshot.js'

/** The quantiles of a sketch are within this share of the true ones. */
export const RELATIVE_ERROR = 0.05
/** Shorter times count as this. In milliseconds: a microsecond. */
export const SHORTEST_MS = 0.001
/** Longer times count as this in quantiles: an hour. The maximum is exact. */
export const LONGEST_MS = 3_600_000

const GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
const PER_LOG = 1 / Math.log(GAMMA)
const BUCKETS = bucketOf(LONGEST_MS) + 1
/** Buckets are added so many at a time. */
const STEP = 16

/**
 * A distribution of times in less than a kilobyte, that another can be added to: each bucket holds the times up to
 * {@link GAMMA} times as long as those of the one before (DDSketch). It keeps buckets only for the range that it has seen.
 */
export class Sketch {
  #counts: Uint32Array | undefined
  /** Bucket of the first of `#counts`. */
  #first = 0
  #count = 0
  #total = 0
  #max = 0

  get count(): number {
    return this.#count
  }

  get totalMs(): number {
    return this.#total
  }

  get maxMs(): number {
    return this.#max
  }

  /** Bytes of its buckets. */
  get bytes(): number {
    return this.#counts?.byteLength ?? 0
  }

  add(durationMs: number): void {
    this.#count += 1
    this.#total += durationMs
    if (durationMs > this.#max) this.#max = durationMs
    const bucket = bucketOf(durationMs)
    const index = bucket - this.#first
    const counts = this.#counts
    if (counts !== undefined && index >= 0 && index < counts.length) increase(counts, index, 1)
    else increase(this.#grown(bucket, bucket), bucket - this.#first, 1)
  }

  merge(other: Sketch): void {
    this.#count += other.#count
    this.#total += other.#total
    this.#max = Math.max(this.#max, other.#max)
    const counts = other.#counts
    if (counts === undefined) return
    const into = this.#grown(other.#first, other.#first + counts.length - 1)
    for (const [index, count] of counts.entries())
      increase(into, other.#first + index - this.#first, count)
  }

  /** @param share from 0 to 1; 0.5 is the median. 0 if it is empty */
  quantile(share: number): number {
    if (this.#count === 0 || this.#counts === undefined) return 0
    let left = Math.max(1, Math.ceil(share * this.#count))
    for (const [index, count] of this.#counts.entries()) {
      left -= count
      if (left <= 0) return Math.min(middleOf(this.#first + index), this.#max)
    }
    return this.#max
  }

  get distribution(): Distribution {
    return {
      count: this.#count,
      totalMs: this.#total,
      meanMs: this.#count === 0 ? 0 : this.#total / this.#count,
      p50Ms: this.quantile(0.5),
      p95Ms: this.quantile(0.95),
      p99Ms: this.quantile(0.99),
      maxMs: this.#max,
    }
  }

  /** The counts, with room for the buckets from `first` to `last`. */
  #grown(first: number, last: number): Uint32Array {
    const old = this.#counts
    const from = Math.min(first, old === undefined ? first : this.#first)
    const to = Math.max(last, old === undefined ? last : this.#first + old.length - 1)
    if (old !== undefined && from === this.#first && to < this.#first + old.length) return old
    const start = Math.floor(from / STEP) * STEP
    const end = Math.min(Math.ceil((to + 1) / STEP) * STEP, BUCKETS)
    const counts = new Uint32Array(end - start)
    if (old !== undefined) counts.set(old, this.#first - start)
    this.#counts = counts
    this.#first = start
    return counts
  }
}

function increase(counts: Uint32Array, index: number, by: number): void {
  counts[index] = (counts[index] ?? 0) + by
}

function bucketOf(durationMs: number): number {
  if (!(durationMs > SHORTEST_MS)) return 0
  return Math.ceil(Math.log(Math.min(durationMs, LONGEST_MS) / SHORTEST_MS) * PER_LOG)
}

/** The middle of a bucket, by which no time in it is off by more than the relative error. */
function middleOf(bucket: number): number {
  return bucket === 0 ? SHORTEST_MS : (2 * SHORTEST_MS * GAMMA ** bucket) / (GAMMA + 1)
}
