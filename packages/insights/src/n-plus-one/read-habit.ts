import type { Fingerprint } from '../fingerprint/fingerprints.js'

/**
 * How a statement reads, if it may be meant to be repeated: `keyset` the rows after a place, `page` so many rows, `list` those
 * of a list of keys.
 */
export type ReadHabit = 'keyset' | 'page' | 'list' | undefined

const LIMIT = /\blimit \?|\bfetch (?:first|next) \?/
const AFTER_A_PLACE = /[<>]=? ?\(?\?/
const LIST = /\bin \(\?\)|\bany ?\(\?\)/

/** By the text of the fingerprint, which has `?` in the place of values. */
export function readHabitOf({ text }: Pick<Fingerprint, 'text'>): ReadHabit {
  if (LIMIT.test(text)) return AFTER_A_PLACE.test(text) ? 'keyset' : 'page'
  return LIST.test(text) ? 'list' : undefined
}
