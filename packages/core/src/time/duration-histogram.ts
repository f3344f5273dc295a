import type { Histogram, HistogramBucket } from '../vocabulary/histogram.js'

/** Of the fraction of a double, so many bits tell apart the ranges within a power of two: eight. */
const FRACTION_BITS = 3
const PER_OCTAVE = 2 ** FRACTION_BITS
/** Ranges begin at 2^-7 ms, and end at 2^24 ms, which is 4.7 hours. */
const LOWEST_EXPONENT = -7
const OCTAVES = 31
const SIZE = OCTAVES * PER_OCTAVE
const LOWEST_MS = 2 ** LOWEST_EXPONENT
/** What the upper half of a double begins with: sign, 11 bits of the exponent, 20 of the fraction. */
const SHIFT = 20 - FRACTION_BITS
const EXPONENT_BIAS = 1023
const OFFSET = (EXPONENT_BIAS + LOWEST_EXPONENT) << FRACTION_BITS

const double = new Float64Array(1)
const halves = new Uint32Array(double.buffer)
double[0] = 1
/** Which half the exponent is in depends on the machine. */
const UPPER = halves[1] === 0 ? 0 : 1

/**
 * Counts durations by ranges, some nanoseconds each: the range is read off the bits of the number. Takes 2 kB from the
 * first on.
 */
export class DurationHistogram {
  #counts: Float64Array | undefined
  #count = 0
  #sumMs = 0

  record(ms: number): void {
    this.#counts ??= new Float64Array(SIZE)
    const counts = this.#counts
    let index = 0
    if (ms > LOWEST_MS) {
      double[0] = ms
      index = ((halves[UPPER] as number) >>> SHIFT) - OFFSET
      if (index >= SIZE) index = SIZE - 1
    }
    counts[index] = (counts[index] as number) + 1
    this.#count += 1
    this.#sumMs += ms
  }

  /** Adds what another has counted. */
  add(other: DurationHistogram): void {
    if (other.#counts === undefined) return
    this.#counts ??= new Float64Array(SIZE)
    const counts = this.#counts
    other.#counts.forEach((count, index) => {
      counts[index] = (counts[index] as number) + count
    })
    this.#count += other.#count
    this.#sumMs += other.#sumMs
  }

  snapshot(): Histogram {
    const buckets: HistogramBucket[] = []
    this.#counts?.forEach((count, index) => {
      if (count > 0) buckets.push({ fromMs: lowerBound(index), toMs: lowerBound(index + 1), count })
    })
    return { count: this.#count, sumMs: this.#sumMs, buckets }
  }
}

function lowerBound(index: number): number {
  if (index === 0) return 0
  if (index === SIZE) return Number.POSITIVE_INFINITY
  const octave = Math.floor(index / PER_OCTAVE)
  return 2 ** (LOWEST_EXPONENT + octave) * (1 + (index % PER_OCTAVE) / PER_OCTAVE)
}
