export const HIDDEN = '***'

/** What parts the scheme of a URL from its authority, also in a URL that is a parameter of another. */
const AUTHORITY = /:\/\/|%(?:25){0,3}3a%(?:25){0,3}2f%(?:25){0,3}2f/gi
const COLON = /:|%(?:25){0,3}3a/i
const AT = /@|%(?:25){0,3}40/gi
const UNBROKEN = { plain: /[^\s"']*/y, encoded: /[^\s"&]*/y }
/** Schemes where a user without a password is a token. */
const TOKEN_SCHEME = /(?:https?|wss?|git)$/i
/** A password with spaces or quotes, which only malformed URLs have. A number there is a port. */
const SPACED = /^[^:/?#]{0,256}:(?!\*\*\*|\d+(?:[/?#\s,;.)"']|$))/
const LONGEST_PASSWORD = 4096

/**
 * A text without the passwords of the URLs in it, well-formed or not: a password reaches to the last @ that may be meant,
 * so that one with an @, a slash or a space in it is hidden as a whole.
 */
export function redactUrls(text: string): string {
  let result = ''
  let done = 0
  /** Up to here there is no @, plain or encoded. */
  const clear = { plain: 0, encoded: 0 }
  AUTHORITY.lastIndex = 0
  for (let mark = AUTHORITY.exec(text); mark !== null; mark = AUTHORITY.exec(text)) {
    const start = AUTHORITY.lastIndex
    const form = mark[0] === '://' ? 'plain' : 'encoded'
    const known = start < clear[form]
    const end = known ? clear[form] : endOfRun(text, start, form)
    const at = known ? -1 : lastAt(text.slice(start, end), form)
    if (at === -1) clear[form] = end
    const secret =
      at === -1
        ? spacedPassword(text, start, end)
        : passwordWithin(text.slice(start, start + at), start, isTokenScheme(text, mark.index))
    if (secret === undefined) continue
    result += text.slice(done, secret.from) + HIDDEN
    done = secret.to
    AUTHORITY.lastIndex = done
  }
  return redactBare(result + text.slice(done))
}

type Form = keyof typeof UNBROKEN

interface Range {
  readonly from: number
  readonly to: number
}

function endOfRun(text: string, start: number, form: Form): number {
  const run = UNBROKEN[form]
  run.lastIndex = start
  return start + (run.exec(text)?.[0].length ?? 0)
}

function lastAt(run: string, form: Form): number {
  if (form === 'plain') return run.lastIndexOf('@')
  let last = -1
  for (const at of run.matchAll(AT)) last = at.index
  return last
}

function isTokenScheme(text: string, end: number): boolean {
  return TOKEN_SCHEME.test(text.slice(Math.max(0, end - 8), end))
}

function passwordWithin(credentials: string, start: number, isToken: boolean): Range | undefined {
  const to = start + credentials.length
  const colon = COLON.exec(credentials)
  if (colon !== null) return { from: start + colon.index + colon[0].length, to }
  return isToken && credentials !== HIDDEN && !/[/?#]/.test(credentials)
    ? { from: start, to }
    : undefined
}

function spacedPassword(text: string, start: number, end: number): Range | undefined {
  const user = SPACED.exec(text.slice(start, Math.min(end + 1, start + 512)))?.[0]
  if (user === undefined) return undefined
  const next = text.indexOf('://', end)
  const limit = Math.min(next === -1 ? text.length : next, start + LONGEST_PASSWORD)
  const line = text.slice(start, limit).split('\n', 1)[0] as string
  const at = line.lastIndexOf('@')
  return at <= user.length ? undefined : { from: start + user.length, to: start + at }
}

const HOST = /@(?=[\w.-]{1,256}(?::\d|\/))/g
const BOUNDARY = /[\s"'@/\\]/
const USER = /(?:^|[(=])[\w.%-]{1,256}:(?!\*\*\*$)(?=.)/

/** The same of URLs whose scheme was forgotten; recognized by the host, which needs a port or a path. */
function redactBare(text: string): string {
  let result = ''
  let done = 0
  for (const { index: at } of text.matchAll(HOST)) {
    let start = at
    while (
      start > done &&
      at - start < LONGEST_PASSWORD &&
      !BOUNDARY.test(text[start - 1] as string)
    )
      start -= 1
    const before = text[start - 1]
    if (before === '@' || before === '\\' || at - start >= LONGEST_PASSWORD) continue
    const user = USER.exec(text.slice(start, at))
    if (user === null) continue
    result += text.slice(done, start + user.index + user[0].length) + HIDDEN
    done = at
  }
  return result + text.slice(done)
}
