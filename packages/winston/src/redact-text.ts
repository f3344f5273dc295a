const HIDDEN = '***'
// Every repetition has a bound, so that no text, however long, takes time out of proportion to redact.
const SCHEME = '\\b[a-z][a-z0-9+.-]{0,30}://'

/** `scheme://user:password@`, the password reaching to the last @ before a space or quote, as in malformed URLs. */
const URL_PASSWORD = new RegExp(`(${SCHEME}[^\\s:"']{0,256}):[^\\s"']{0,4096}@`, 'gi')
/**
 * The same with spaces or quotes in the password, which only malformed URLs have. Tried where the pattern above found
 * nothing; a number after the colon is a port, and the text up to some later @ has nothing to do with it.
 */
const SPACED_URL_PASSWORD = new RegExp(
  `(${SCHEME}[^\\s:/?#"']{0,256}):(?!\\*\\*\\*@|\\d+(?:[/?#\\s,;.)"']|$))(?:(?!://)[^\\n]){0,4096}@`,
  'gi',
)
/** A URL whose scheme was forgotten; told from other text by the host, which needs a port or path. */
const BARE_PASSWORD =
  /(^|[\s"'(=/])([\w.%-]{1,256}):(?!\*\*\*@)[^\s"'@/\\]{1,4096}@(?=[\w.-]{1,256}(?::\d|\/))/g

const SECRET_NAME = '[\\w-]{0,64}(?:password|passwd|passphrase|secret|token|api_?key|sslkey)'
/** `password=x`, `password='x y'`, `"password": "x"`, as in query strings, key-value strings and printed objects. */
const SECRET_VALUE = new RegExp(
  `(\\b${SECRET_NAME}["']?\\s*[=:]\\s*)("(?:[^"\\\\]|\\\\.)*"|'(?:[^'\\\\]|\\\\.)*')`,
  'gi',
)
const SECRET_PARAMETER = new RegExp(`(\\b${SECRET_NAME}=)(?!["'])[^&\\s"']+`, 'gi')
const PASSWORD_AFTER_COLON = /(\b[\w-]{0,64}passw(?:or)?d:\s*)(?!["'])[^\s"',;}]+/gi
/** In a text that is nothing but a URL, the value reaches to the next parameter, spaces or not. */
const WHOLE_URL = new RegExp(`^\\s*${SCHEME}[^\\n]*$`, 'i')
const SPACED_PARAMETER = new RegExp(`([?&]${SECRET_NAME}=)[^&]+`, 'gi')

const PRIVATE_KEY =
  /-----BEGIN ([A-Z ]*)PRIVATE KEY-----(?! \*\*\*)[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g

/**
 * A text without the passwords in it: those of URLs, well-formed or not, of parameters such as `password=`, of printed
 * objects, and private keys. Where it is unclear how far a secret reaches, more is hidden rather than less.
 */
export function redactText(text: string): string {
  const parameters = WHOLE_URL.test(text) ? text.replace(SPACED_PARAMETER, `$1${HIDDEN}`) : text
  return parameters
    .replace(URL_PASSWORD, `$1:${HIDDEN}@`)
    .replace(SPACED_URL_PASSWORD, `$1:${HIDDEN}@`)
    .replace(BARE_PASSWORD, `$1$2:${HIDDEN}@`)
    .replace(
      SECRET_VALUE,
      (_, name: string, value: string) => `${name}${value[0]}${HIDDEN}${value[0]}`,
    )
    .replace(SECRET_PARAMETER, `$1${HIDDEN}`)
    .replace(PASSWORD_AFTER_COLON, `$1${HIDDEN}`)
    .replace(PRIVATE_KEY, `-----BEGIN $1PRIVATE KEY----- ${HIDDEN}`)
}
