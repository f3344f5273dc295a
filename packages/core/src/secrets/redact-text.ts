import { redactNamed } from './named-secrets.js'
import { redactCalls } from './secret-calls.js'
import { HIDDEN, redactUrls } from './url-credentials.js'

const PRIVATE_KEY =
  /-----BEGIN ([A-Z ]{0,32})PRIVATE KEY( BLOCK)?-----(?! \*\*\*)[\s\S]*?(?:-----END [A-Z ]{0,32}PRIVATE KEY(?: BLOCK)?-----|$)/g
const JWT = /(?<![\w-])eyJ[\w-]{8,}(?:\.[\w-]+){1,8}/g
/** Behind `Bearer` stands a token, unless it is a sentence about such tokens. */
const BEARER =
  /\b(bearer(?:\s{0,8}[:=]{1,3}\s{0,8}|\s{1,8}))(?!\*\*\*|[:=]|(?:tokens?|auth\w*|schemes?|headers?|realm|credentials?|errors?|challenges?|of|is|was|are|and|or|in|for|with|to|from|not|must|has)(?![\w.~+/=-]))[^\s"',;]+/gi
const BASIC = /\b(basic\s{1,8})([\w+/-]{4,}={0,2})/gi
/** Tokens and keys that show by their form what they are, and the verifiers that PostgreSQL keeps of passwords. */
const WELL_KNOWN =
  /\b(?:A[KS]IA[0-9A-Z]{16}|gh[pousr]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{8,}|[rs]k_(?:live|test)_\w{8,}|npm_\w{30,}|SCRAM-SHA-256\$[^\s'"]{16,})/g

const MOST_PASSES = 8

/**
 * A text without secrets: passwords of URLs, well-formed or not, values behind names such as `password`, `DB_PASS` or
 * `api_key` in connection strings, query strings, JSON, SQL and printed objects, bearer tokens, presigned URLs and private
 * keys. Where it is unclear how far a secret reaches, more is hidden rather than less. Takes time in proportion to the
 * length of the text.
 *
 * A secret that nothing marks as one, such as a literal in `values ('ada', 'hunter2')`, looks like any other text.
 */
export function redactText(text: string): string {
  let shown = redactOnce(text)
  if (shown === text) return text
  // What has been hidden may bring together what marks another secret.
  for (let pass = 1; pass < MOST_PASSES; pass += 1) {
    const again = redactOnce(shown)
    if (again === shown) break
    shown = again
  }
  return shown
}

function redactOnce(text: string): string {
  const unkeyed = text.replace(PRIVATE_KEY, `-----BEGIN $1PRIVATE KEY$2----- ${HIDDEN}`)
  return redactNamed(redactCalls(redactUrls(unkeyed)))
    .replace(JWT, HIDDEN)
    .replace(BEARER, `$1${HIDDEN}`)
    .replace(BASIC, (whole, scheme: string, value: string) =>
      Buffer.from(value, 'base64').includes(':') ? `${scheme}${HIDDEN}` : whole,
    )
    .replace(WELL_KNOWN, HIDDEN)
}
