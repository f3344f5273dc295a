/** How names of secrets end, in lower case and without separators. */
const ENDING =
  /(?:passwo?r?ds?|passphrase|passcode|pwd|secrets?|secret(?:string|value|binary)|token|jwt|credentials?|authorization|cookie|(?:api|access|account|private|secret|ssl|signing|encryption|auth|master|session)keys?|accesskeyid|(?:amz|goog)signature|requirepass|masterauth)$/
/** Names that end in `pass` are secrets', such as `DB_PASS`; these words are not. */
const PASS = /pass$/
const NO_PASS = /(?:com|encom|by|sur|tres|under|over|low|high|band|im)pass$/
/** What may stand behind the word that matters: `password_old`, `SECRET_KEY_BASE`, `DB_PASSWORD_2`. */
const QUALIFIERS =
  /(?:\d|new|old|confirm|confirmation|again|repeat|current|previous|production|prod|development|dev|staging|test|hash|digest|plain|raw|encoded|encrypted|base|backup|primary|secondary)+$/
/** Secrets in the parameters of a URL; elsewhere these words mean other things too. */
const PARAMETER = /^(?:sig|signature|auth)$/

const LONGEST_NAME = 128

/**
 * Whether what is kept under a name is a secret: `password`, `DB_PASS`, `clientSecret`, `X-Amz-Credential`,
 * `pass%77ord`. Not `passed`, `bypass`, `token_count` or `primary key`.
 */
export function isSecretName(name: string): boolean {
  const plain = plainName(name)
  return endsLikeSecret(plain) || endsLikeSecret(plain.replace(QUALIFIERS, ''))
}

/** Whether it is one of a URL's parameters, as in `?sig=…`. */
export function isSecretParameter(name: string): boolean {
  return PARAMETER.test(plainName(name))
}

function endsLikeSecret(plain: string): boolean {
  return ENDING.test(plain) || (PASS.test(plain) && !NO_PASS.test(plain))
}

/** Without escapes, separators and capitals. */
function plainName(name: string): string {
  let plain = name.length > LONGEST_NAME ? name.slice(-LONGEST_NAME) : name
  if (plain.includes('%'))
    plain = plain.replace(/%(?:25){0,3}([0-7][0-9a-f])/gi, (_, code: string) => character(code))
  if (plain.includes('\\'))
    plain = plain.replace(/\\u00([0-7][0-9a-f])/gi, (_, code: string) => character(code))
  return plain.replace(/[^a-z0-9]/gi, '').toLowerCase()
}

function character(code: string): string {
  return String.fromCharCode(Number.parseInt(code, 16))
}
