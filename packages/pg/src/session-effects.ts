import { BoundedTexts } from '@connmgr/core/driver'
import { KNOWN_NAMES } from './known-names.js'

/** What a statement may leave in its session that outlives it, by its text. */
export interface SessionEffects {
  /** It may change settings, the role, cursors, temporary things and so on. In doubt it does. */
  readonly changes: boolean
  /** It may take advisory locks that are the session's, not the transaction's. */
  readonly locks: boolean
  /** It may prepare statements, or have them forgotten, by SQL. */
  readonly prepares: boolean
  /** Whether it begins to listen to a channel, or ends all of that; undefined if it does neither. */
  readonly listens?: boolean | undefined
}

const NONE: SessionEffects = { changes: false, locks: false, prepares: false }
const UNKNOWN: SessionEffects = { changes: true, locks: true, prepares: true }

/** Change nothing in the session by themselves. */
const KEEPS = new Set(
  `abort analyze begin checkpoint close commit end fetch lock move notify rollback release savepoint show start truncate
  vacuum`.split(/\s+/),
)
/** Change the session by what they call, if at all. */
const CALLS = new Set('copy delete explain insert merge select table update values with'.split(' '))
const FOR_THE_TRANSACTION = new Set(['local', 'transaction', 'constraints'])
/** A view that changes settings when it is updated; temporary objects; and functions that run a text. */
const TOUCHES_SESSION = /\bpg_settings\b|\btemp(?:orary)?\b|pg_temp/i
const LOCKS = /pg_(?:try_)?advisory_lock/i
const LISTENS = /(?:^|;)\s*listen\s/i
const UNLISTENS = /(?:^|;)\s*unlisten\s*\*/i
const PREPARES = /\b(?:prepare|deallocate|discard)\b/i

/** Of the texts whose effects are kept, and what those take. */
const MOST_CHARACTERS = 1024 * 1024
/** Within these the arguments of `set_config` end, or it is not looked at. */
const LONGEST_CALL = 2000

const KNOWN = new BoundedTexts<SessionEffects>(MOST_CHARACTERS)

/** @param text undefined if it is not known */
export function sessionEffectsOf(text: string | undefined): SessionEffects {
  if (text === undefined) return UNKNOWN
  let effects = KNOWN.get(text)
  if (effects === undefined) {
    effects = read(text)
    KNOWN.set(text, effects)
  }
  return effects
}

function read(text: string): SessionEffects {
  if (!mayChange(text)) return NONE
  return {
    changes: true,
    locks: LOCKS.test(text),
    prepares: PREPARES.test(text),
    listens: LISTENS.test(text) ? true : UNLISTENS.test(text) ? false : undefined,
  }
}

/** What stands in literals and comments is taken for code: that costs a reset at most. */
function mayChange(text: string): boolean {
  const from = startOf(text)
  const [first, end] = wordAt(text, from)
  // One that is followed by another is not looked at any further.
  const semicolon = text.indexOf(';', from)
  if (semicolon !== -1 && text.slice(semicolon).trim() !== ';') return true
  if (KEEPS.has(first)) return false
  if (first === 'set') return !FOR_THE_TRANSACTION.has(wordAt(text, end)[0])
  if (first === 'declare') return /\bhold\b/i.test(text) || callsUnknown(text)
  if (!CALLS.has(first)) return first !== '' || from < text.length
  return TOUCHES_SESSION.test(text) || callsUnknown(text)
}

/** Where code begins behind white space, comments and parentheses. */
function startOf(text: string): number {
  let at = 0
  while (at < text.length) {
    if (text[at] === '(' || isSpace(text.charCodeAt(at))) at += 1
    else if (text.startsWith('--', at)) at = after(text, '\n', at)
    else if (text.startsWith('/*', at)) at = after(text, '*/', at)
    else break
  }
  return at
}

function after(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from)
  return at === -1 ? text.length : at + mark.length
}

function wordAt(text: string, from: number): [word: string, end: number] {
  let start = from
  while (start < text.length && isSpace(text.charCodeAt(start))) start += 1
  let end = start
  while (end < text.length && isLetter(text.charCodeAt(end))) end += 1
  return [text.slice(start, end).toLowerCase(), end]
}

/** Whether something before a parenthesis may be a function that is not known to leave the session as it is. */
function callsUnknown(text: string): boolean {
  for (let at = text.indexOf('('); at !== -1; at = text.indexOf('(', at + 1)) {
    let end = at
    while (end > 0 && isSpace(text.charCodeAt(end - 1))) end -= 1
    if (end === 0) continue
    const before = text[end - 1] as string
    if (before === '"' || before === '/' || before === '-' || isName(text.charCodeAt(end - 1))) {
      if (isUnknownCall(text, end, at)) return true
    } else if (endsInLineComment(text, end, at)) return true
  }
  return false
}

function isUnknownCall(text: string, end: number, at: number): boolean {
  const start = startOfName(text, end)
  // The end of a comment, behind which a name may be.
  if (start === end) return text[end - 1] === '/' && text[end - 2] === '*'
  if (endsInLineComment(text, end, at)) return true
  const name = text.slice(start, end).toLowerCase().replaceAll('"', '')
  if (KNOWN_NAMES.has(name.replace(/^pg_catalog\./, ''))) return false
  if (name.endsWith('set_config')) return !isLocalSetting(text, at)
  return !namesNoFunction(text, start)
}

/** The name that ends here, with the schema before it. */
function startOfName(text: string, end: number): number {
  let start = end
  while (start > 0) {
    if (text[start - 1] === '"') {
      const open = text.lastIndexOf('"', start - 2)
      if (open === -1 || start - open > 70) return start
      start = open
    } else if (text[start - 1] === '.' || isName(text.charCodeAt(start - 1))) start -= 1
    else break
  }
  return start
}

/** Behind these words stand a table and its columns, an alias, or a type. */
function namesNoFunction(text: string, start: number): boolean {
  let end = start
  while (end > 0 && isSpace(text.charCodeAt(end - 1))) end -= 1
  if (text[end - 1] === ':') return true
  let begin = end
  while (begin > 0 && isLetter(text.charCodeAt(begin - 1))) begin -= 1
  return /^(?:into|as|with|recursive|table|copy)$/i.test(text.slice(begin, end))
}

/** Whether the white space before the parenthesis may end a comment that hides a name: `f -- comment`. */
function endsInLineComment(text: string, end: number, at: number): boolean {
  const gap = text.slice(end, at)
  if (!gap.includes('\n') && !gap.includes('\r')) return false
  const line = Math.max(text.lastIndexOf('\n', end - 1), text.lastIndexOf('\r', end - 1), end - 500)
  return text.slice(line + 1, end).includes('--')
}

/** Whether `set_config` is called with `true` for what it sets to last for the transaction alone. */
function isLocalSetting(text: string, open: number): boolean {
  const limit = Math.min(text.length, open + LONGEST_CALL)
  let depth = 0
  let lastComma = open
  for (let at = open; at < limit; at += 1) {
    const character = text[at]
    if (character === '\\' || (character === '$' && !isDigit(text.charCodeAt(at + 1)))) return false
    if (character === "'" || character === '"') {
      at = text.indexOf(character, at + 1)
      if (at === -1) return false
    } else if (character === '(') depth += 1
    else if (character === ',' && depth === 1) lastComma = at
    else if (character === ')') {
      depth -= 1
      if (depth === 0)
        return (
          text
            .slice(lastComma + 1, at)
            .trim()
            .toLowerCase() === 'true'
        )
    }
  }
  return false
}

function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13)
}

function isLetter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

/** Of a name without quotes. */
function isName(code: number): boolean {
  return isLetter(code) || isDigit(code) || code === 36 || code > 127
}
