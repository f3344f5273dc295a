import { quotedAt } from './quoted.js'
import { isSecretName } from './secret-names.js'
import { HIDDEN } from './url-credentials.js'

/** Functions of SQL whose every literal may be a secret or a key to one, and lists that a secret is looked for in. */
const SECRET_CALL =
  /\b(?:([\w.]{1,128})"?\s{1,8}(?:not\s{1,8})?in|pgp_(?:sym|pub)_(?:en|de)crypt(?:_bytea)?|crypt|hmac|(?:en|de)crypt(?:_iv)?)\s{0,16}\(/gi

/** A text without the literals that are given to functions which encrypt, decrypt or hash. */
export function redactCalls(text: string): string {
  let result = ''
  let done = 0
  SECRET_CALL.lastIndex = 0
  for (let call = SECRET_CALL.exec(text); call !== null; call = SECRET_CALL.exec(text)) {
    if (call[1] !== undefined && !isSecretName(call[1])) continue
    let depth = 1
    let at = SECRET_CALL.lastIndex
    for (; at < text.length && depth > 0; at += 1) {
      if (text[at] === '(') depth += 1
      else if (text[at] === ')') depth -= 1
      const quoted = text[at] === "'" || text[at] === '$' ? quotedAt(text, at) : undefined
      if (quoted === undefined) continue
      if (quoted.to > quoted.from) {
        result += text.slice(done, quoted.from) + HIDDEN
        done = quoted.to
      }
      at = quoted.to + (quoted.from - at) - 1
    }
    SECRET_CALL.lastIndex = at
  }
  return result + text.slice(done)
}
