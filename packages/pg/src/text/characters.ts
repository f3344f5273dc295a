// The characters of statements, classed as PostgreSQL reads them.

/** An operator that has one of these may end in + or -. */
const KEEPS_SIGN = '~!@#^&|`?%'

const OTHER = 0
export const SPACE = 1
export const LETTER = 2
export const DIGIT = 3
export const OPERATOR = 4
export const MARK = 5

const CLASSES = classesOfCharacters()

function classesOfCharacters(): Uint8Array {
  const classes = new Uint8Array(128)
  const set = (characters: string, kind: number): void => {
    for (const character of characters) classes[character.charCodeAt(0)] = kind
  }
  set(' \t\n\r\f\v', SPACE)
  set('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_', LETTER)
  set('0123456789', DIGIT)
  set('~!@#^&|`?+-*/%<>=', OPERATOR)
  set('()[],;.:', MARK)
  return classes
}

export const LINE_FEED = 10
export const RETURN = 13
export const QUOTE = 39
export const STAR = 42
export const MINUS = 45
export const SLASH = 47
export const BACKSLASH = 92
export const DOLLAR = 36
export const DOUBLE_QUOTE = 34
export const DOT = 46
export const COLON = 58
export const EQUALS = 61
export const AND = 38
const PLUS = 43

/** Its class: `SPACE`, `LETTER`, `DIGIT`, `OPERATOR`, `MARK`, or another number. */
export function classOf(code: number): number {
  // All other characters are letters to PostgreSQL; NaN is the end.
  return code < 128 ? (CLASSES[code] as number) : code >= 128 ? LETTER : OTHER
}

export function isNamePart(code: number): boolean {
  const kind = classOf(code)
  return kind === LETTER || kind === DIGIT || code === DOLLAR
}

export function isTagPart(code: number): boolean {
  return code !== DOLLAR && isNamePart(code)
}

export function isSign(code: number): boolean {
  return code === PLUS || code === MINUS
}

/** Whether an operator that has this character may end in a sign. */
export function keepsSign(character: string): boolean {
  return KEEPS_SIGN.includes(character)
}
