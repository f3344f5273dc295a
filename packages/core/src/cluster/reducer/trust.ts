import type { EndpointState } from '../../vocabulary/states.js'
import type { EndpointView } from './view.js'

const LONGEST_STABLE_MS = 600_000

type Relapses = Pick<EndpointView, 'flaps' | 'trustedAt'>

/** How long an endpoint must be healthy before it is trusted again. */
export function stableMs({ flaps }: Pick<EndpointView, 'flaps'>, failbackStableMs: number): number {
  return Math.min(LONGEST_STABLE_MS, failbackStableMs * 2 ** flaps)
}

/** What a change of its state makes of its relapses: a fall soon after it was trusted again is one. */
export function relapsesAfter(
  { flaps, trustedAt }: Relapses,
  from: EndpointState,
  to: EndpointState,
  now: number,
  failbackStableMs: number,
): Relapses {
  if (from === 'PROBATION' && to === 'UP') return { flaps, trustedAt: now }
  if (to !== 'DOWN' || trustedAt === undefined) return { flaps, trustedAt }
  const soon = now - trustedAt < stableMs({ flaps }, failbackStableMs)
  return { flaps: soon ? flaps + 1 : 0, trustedAt: undefined }
}
