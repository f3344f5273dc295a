/** What was seen of a server: as what it showed itself last, and what became of it. */
interface Seen {
  readonly as: 'standby' | 'primary' | undefined
  /** Its name when it was a primary, if it has one. */
  readonly server: string | undefined
  /** It was a standby, and then the primary, with no other after it. */
  readonly promoted: boolean
  /** Another became the primary after it. */
  readonly superseded: boolean
}

/**
 * Which servers were seen to become the primary after another, by their endpoints. Where histories do not show promotions,
 * that is what tells an old primary that comes back from a new one.
 */
export type Promotions = ReadonlyMap<string, Seen>

const NEVER_SEEN: Seen = {
  as: undefined,
  server: undefined,
  promoted: false,
  superseded: false,
}

export function sawStandby(promotions: Promotions, id: string): Promotions {
  // It follows another now: if it is promoted after that, it is ahead again.
  return withSeen(promotions, id, { ...NEVER_SEEN, as: 'standby' })
}

export function sawPrimary(
  promotions: Promotions,
  id: string,
  server: string | undefined,
): Promotions {
  const before = seenOf(promotions, id)
  if (before.as !== 'standby') return withSeen(promotions, id, { ...before, as: 'primary', server })
  let next = withSeen(promotions, id, { ...before, as: 'primary', server, promoted: true })
  for (const [other, { as }] of next) if (as === 'primary') next = succeeded(next, other, id)
  return next
}

/** Writes have moved, or will move, from one to the other. */
export function succeeded(promotions: Promotions, old: string, next: string): Promotions {
  const successor = { ...seenOf(promotions, next), superseded: false }
  const moved = withSeen(promotions, next, successor)
  if (old === next) return moved
  const before = seenOf(promotions, old)
  // One server under two names does not succeed itself.
  if (before.server !== undefined && before.server === successor.server) return moved
  return withSeen(moved, old, { ...before, superseded: true, promoted: false })
}

/** What is known of the promotion of a server. */
export function promotionOf(
  promotions: Promotions,
  id: string,
): Pick<Seen, 'promoted' | 'superseded'> {
  const { promoted, superseded } = seenOf(promotions, id)
  return { promoted, superseded }
}

function seenOf(promotions: Promotions, id: string): Seen {
  return promotions.get(id) ?? NEVER_SEEN
}

function withSeen(promotions: Promotions, id: string, seen: Seen): Promotions {
  return new Map(promotions).set(id, seen)
}
