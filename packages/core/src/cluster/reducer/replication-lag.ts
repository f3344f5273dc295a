/** Whether a server at one position has what was written up to another. */
type Covers = (position: string, written: string) => boolean

/** Where the writer was at some time. */
export interface Sample {
  readonly at: number
  readonly position: string
}

/** How far back to remember; lag beyond it is reported as this much. */
const SPAN_MS = 600_000

/**
 * The samples after the writer was at `position`. How far standbys are behind is measured against what the writer has been
 * seen to write, so that an idle writer is not mistaken for lag, and a standby that has paused is noticed.
 */
export function written(
  samples: readonly Sample[],
  at: number,
  position: string,
  covers: Covers,
  spanMs = SPAN_MS,
): readonly Sample[] {
  const last = samples.at(-1)
  if (last !== undefined && covers(last.position, position)) return samples
  const kept = samples.findIndex((_, index) => at - (samples[index + 1]?.at ?? at) <= spanMs)
  return [...samples.slice(Math.max(0, kept)), { at, position }]
}

/** Milliseconds by which a standby that has everything up to `position` is behind. */
export function lagOf(
  samples: readonly Sample[],
  at: number,
  position: string,
  covers: Covers,
): number {
  // From the end, as most standbys lack little.
  const latest = samples.findLastIndex((sample) => covers(position, sample.position))
  const missing = samples[latest + 1]
  return missing === undefined ? 0 : at - missing.at
}

/**
 * The samples when another server writes from `position` on. What came before is the same there and still tells how far
 * behind a standby is, which a failover makes no better; what came after belongs to a history that has ended.
 */
export function rebased(
  samples: readonly Sample[],
  position: string,
  covers: Covers,
): readonly Sample[] {
  const ended = samples.findIndex((sample) => !covers(position, sample.position))
  return ended === -1 ? samples : samples.slice(0, ended)
}
