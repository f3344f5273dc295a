import { BoundedTexts } from '@connmgr/core/driver'
import type { StatementTags } from '../snapshot.js'
import { dialectOf } from './dialect.js'
import { hashOf } from './hash.js'
import { lex } from './lexer.js'
import { canonical } from './normalize.js'
import { numbersInLists } from './number-lists.js'
import { render } from './render.js'
import { type StatementShape, shapeOf } from './shape.js'
import { tagsOf } from './sqlcommenter.js'

/** What a text of SQL is an instance of. */
export interface Fingerprint extends StatementShape {
  /** 16 hexadecimal digits. */
  readonly id: string
  /** Without values; at most {@link LONGEST_TEXT} characters. */
  readonly text: string
}

/** One text, as it was sent. */
export interface FingerprintedText {
  readonly fingerprint: Fingerprint
  readonly tags: StatementTags
  /** Values that stand in the text itself, without the numbers in lists of IN. */
  readonly literals: number
  readonly listedNumbers: number
}

/** Of the text that is kept for people; the hash is of all of it. */
export const LONGEST_TEXT = 2000
/** Of all texts of the cache together. */
const MOST_CHARACTERS = 1_000_000

/** Takes a text apart, anew each time. */
export function fingerprintOf(text: string, database: string): FingerprintedText {
  const { comments, literals, tokens } = lex(text, dialectOf(database))
  const reduced = canonical(tokens)
  const whole = render(reduced)
  const fingerprint: Fingerprint = {
    id: hashOf(whole),
    text: whole.length <= LONGEST_TEXT ? whole : `${whole.slice(0, LONGEST_TEXT - 1)}…`,
    ...shapeOf(reduced),
  }
  const listedNumbers = numbersInLists(tokens)
  return {
    fingerprint,
    tags: tagsOf(comments),
    literals: literals - listedNumbers,
    listedNumbers,
  }
}

/** Remembers what texts come to, as taking one apart costs a hundred times a look-up. Bounded in size. */
export class Fingerprints {
  readonly #database: string
  readonly #texts: BoundedTexts<FingerprintedText>
  readonly #tags = new BoundedTexts<StatementTags>(MOST_CHARACTERS / 10)
  /** One object for each fingerprint of the texts that are kept. */
  readonly #shared = new BoundedTexts<Fingerprint>(MOST_CHARACTERS)

  /**
   * @param database the driver's name
   * @param mostCharacters of all texts that are remembered together
   */
  constructor(database: string, mostCharacters = MOST_CHARACTERS) {
    this.#database = database
    this.#texts = new BoundedTexts(mostCharacters)
  }

  of(text: string): FingerprintedText {
    const known = this.#texts.get(text)
    if (known !== undefined) return known
    // A comment at the end may be different each time, as one with a trace's id.
    const comment = text.endsWith('*/') ? text.lastIndexOf('/*') : -1
    if (comment > 0) {
      const plain = this.of(text.slice(0, comment).trimEnd())
      return { ...plain, tags: this.#tagsIn(text.slice(comment + 2, -2)) }
    }
    const made = fingerprintOf(text, this.#database)
    const { id } = made.fingerprint
    const fingerprint = this.#shared.get(id) ?? made.fingerprint
    this.#shared.set(id, fingerprint)
    const result = { ...made, fingerprint }
    this.#texts.set(text, result)
    return result
  }

  #tagsIn(comment: string): StatementTags {
    let tags = this.#tags.get(comment)
    if (tags === undefined) {
      tags = tagsOf([comment])
      this.#tags.set(comment, tags)
    }
    return tags
  }
}
