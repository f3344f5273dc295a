import type { History } from '../history.js'

/** An answer is some time on its way through a busy process. */
const MARGIN_MS = 20

interface Sighting {
  readonly at: number
  readonly position: string
  readonly startedAt: string | undefined
}

interface Verdict {
  readonly startedAt: string | undefined
  /** The history of the writer by which it was judged. */
  readonly by: string | undefined
}

/** Where a standby was last, and whether that was found to be outside the writer's history. */
export interface Trail {
  readonly sighting: Sighting | undefined
  readonly verdict: Verdict | undefined
}

/** Of a server that is no standby, or of which nothing is known. */
export const NO_TRAIL: Trail = { sighting: undefined, verdict: undefined }

/** An answer of the writer: it had written up to `position` at some time after `askedAt`. */
export interface WriterSighting {
  readonly askedAt: number
  readonly position: string
  readonly history: string | undefined
}

/** The trail of a standby that was at `position` at `at`. What was found holds until it is restarted. */
export function applied(
  { verdict }: Trail,
  at: number,
  position: string,
  startedAt: string | undefined,
): Trail {
  return {
    sighting: { at, position, startedAt },
    verdict: verdict?.startedAt === startedAt ? verdict : undefined,
  }
}

/**
 * The trail of a standby after an answer of the writer. One that was further before that has applied what the writer never
 * wrote: another standby was promoted that had received less. What such a one shows exists nowhere else, and it does not
 * follow the writer until it is rewound or rebuilt, for which it has to be restarted. A writer after another promotion
 * judges anew: the one before may have been the one that had been left behind.
 */
export function judged(trail: Trail, writer: WriterSighting, comparison: History): Trail {
  const { sighting, verdict } = trail
  if (sighting === undefined) return trail
  if (verdict !== undefined && !isNewer(writer.history, verdict.by, comparison)) return trail
  const { at, position, startedAt } = sighting
  const follows = at > writer.askedAt - MARGIN_MS || comparison.covers(writer.position, position)
  return { sighting, verdict: follows ? undefined : { startedAt, by: writer.history } }
}

/** True for a standby that has left the writer's history. */
export function isStray({ verdict }: Trail): boolean {
  return verdict !== undefined
}

function isNewer(
  history: string | undefined,
  before: string | undefined,
  comparison: History,
): boolean {
  return (
    history !== undefined && before !== undefined && comparison.order(history, before) === 'newer'
  )
}
