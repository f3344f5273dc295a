import { BoundedTexts } from '@connmgr/core/driver'
import {
  type SessionEffects,
  sessionEffectsOf,
  type TransactionVerb,
  verbOf,
} from './statement-text.js'

/** A table that is made or altered by a text with this word may keep what is written to it without COMMIT. */
const NAMES_OTHER_ENGINE = /\bengine\b(?!\s*=?\s*['"`]?innodb\b)/i

/** What has to be known of every text before it is sent. */
export interface Facts {
  readonly verb: TransactionVerb | undefined
  readonly effects: SessionEffects
  /** It may make a table that takes no part in transactions. */
  readonly namesEngine: boolean
}

/** Of all texts whose facts are kept: some 2 MB. */
const MOST_CHARACTERS = 1024 * 1024
const FACTS = new BoundedTexts<Facts>(MOST_CHARACTERS)
/** Of what is not known, or means something else to the server than to us. */
export const UNCLEAR: Facts = {
  verb: undefined,
  effects: sessionEffectsOf(undefined),
  namesEngine: true,
}

/** The facts of a text, found out once for programs that put values for `?`. */
export function factsOf(text: string): Facts {
  let facts = FACTS.get(text)
  if (facts === undefined) {
    facts = {
      verb: verbOf(text),
      effects: sessionEffectsOf(text),
      namesEngine: NAMES_OTHER_ENGINE.test(text),
    }
    FACTS.set(text, facts)
  }
  return facts
}
