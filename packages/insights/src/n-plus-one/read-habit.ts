import type { Fingerprint } from '../fingerprint/fingerprints.js'
import type { Repeats } from './repeats.js'

/**
 * How a statement reads, if it may be meant to be repeated: `keyset` so many rows after a place, `page` so many rows, `range`
 * those between places, `list` those of a list of keys.
 */
export type ReadHabit = 'keyset' | 'page' | 'range' | 'list' | undefined

const LIMIT = /\blimit \?|\bfetch (?:first|next) \?/
/** Not the operators `->`, `->>`, `#>`, `@>` and `<>`. */
const AFTER_A_PLACE = /(?<![-#@<>])[<>]=? ?\(?\?|\bbetween \?/
const LIST = /\bin \(\?\)|\bany ?\(\?\)/

/** By the text of the fingerprint, which has `?` in the place of values. */
export function readHabitOf({ text }: Pick<Fingerprint, 'text'>): ReadHabit {
  const isRange = AFTER_A_PLACE.test(text)
  if (LIMIT.test(text)) return isRange ? 'keyset' : 'page'
  if (LIST.test(text)) return 'list'
  return isRange ? 'range' : undefined
}

/**
 * Whether repeats look for news, read pages of one result or batches of keys, rather than the children of each row: those follow
 * a read of as many rows as there are repeats.
 *
 * @param parentRows what the latest read of several rows before the first of them returned
 * @param threshold so many repeats are N+1
 */
export function isOnPurpose(
  repeats: Repeats,
  habit: ReadHabit,
  parentRows: number | undefined,
  threshold: number,
): boolean {
  if (repeats.isPolling) return true
  if (!repeats.readsSeveral) return false
  const { count, overlapped, readsPages } = repeats
  const mayFollowRows = parentRows !== undefined && parentRows >= threshold
  switch (habit) {
    case 'keyset':
      return readsPages || !overlapped
    case 'page':
      return readsPages || !(overlapped || mayFollowRows)
    case 'range':
      return readsPages
    case 'list':
      return parentRows === undefined || 2 * count < parentRows
    case undefined:
      return readsPages && !mayFollowRows
  }
}
