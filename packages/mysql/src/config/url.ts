import { InvalidOptionError, redactText, redactUrl } from '@connmgr/core'
import { type NamedUrl, nearestName } from '@connmgr/core/driver'
import { CONNECTION_OPTIONS } from './option-names.js'
import { sslOf, TLS_PARAMETERS } from './tls.js'
import { SETTING_PARAMETERS } from './url-settings.js'

/** What a URL says. */
export interface UrlParts {
  readonly host?: string
  readonly port?: number
  readonly user?: string
  readonly password?: string
  readonly database?: string
  readonly socketPath?: string
  /** Options of mysql2. */
  readonly options: Readonly<Record<string, unknown>>
  /** What concerns the manager: parameters as they stand there. */
  readonly settings: Readonly<Record<string, string>>
}

const FORM = /^(?:mysql2?|mariadb):\/\//i
/** Of Prisma: for its own engine, or read elsewhere. */
const WITHOUT_EFFECT = ['schema', 'sslidentity', 'sslpassword']
/** Named by the address, and by nothing else. */
const PARTS = ['host', 'port', 'user', 'password', 'database']

/**
 * Reads a URL as mysql2 and Prisma do, except that mistakes which those pass over are errors.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function parseUrl(named: NamedUrl): UrlParts {
  const { option, url } = named
  if (!FORM.test(url))
    throw new InvalidOptionError(
      option,
      `option "${option}" has an unsupported scheme: "${redactUrl(url)}"; it must begin with mysql:// or mariadb://`,
    )
  const authority = /^[^:]+:\/\/([^/?#]*)/.exec(url)?.[1] ?? ''
  if (authority.slice(authority.lastIndexOf('@') + 1).includes(','))
    throw new InvalidOptionError(
      option,
      `option "${option}" names several hosts: "${redactUrl(url)}"; name one, and the others in failoverUrls`,
    )
  const parsed = parse(named)
  const part = (name: string, text: string): string => decode(named, name, text)
  const parts: Record<string, unknown> = {}
  const set = (name: string, value: string): void => {
    if (value !== '') parts[name] = value
  }
  set('host', part('host', parsed.hostname.replace(/^\[(.*)\]$/, '$1')))
  set('user', part('user', parsed.username))
  set('password', part('password', parsed.password))
  set('database', part('database', parsed.pathname.replace(/^\//, '')))
  if (parsed.port !== '') parts.port = Number(parsed.port)
  const options: Record<string, unknown> = {}
  const settings: Record<string, string> = {}
  const tls: Record<string, string> = {}
  for (const [name, value] of parsed.searchParams) {
    if (name === 'socket' || name === 'socketPath') parts.socketPath = value
    else if (TLS_PARAMETERS.includes(name)) tls[name] = value
    else if (SETTING_PARAMETERS.includes(name)) settings[name] = value
    else if (CONNECTION_OPTIONS.includes(name) && !PARTS.includes(name))
      options[name] = readValue(value)
    else if (!WITHOUT_EFFECT.includes(name)) throw unknownParameter(option, name)
  }
  const ssl = sslOf(option, tls, options.ssl)
  if (ssl !== undefined) options.ssl = ssl
  return { ...parts, options, settings }
}

/** As mysql2 reads the values of parameters. */
function readValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function parse({ option, url }: NamedUrl): URL {
  try {
    return new URL(url)
  } catch {
    throw new InvalidOptionError(
      option,
      `option "${option}" is no valid URL: "${redactUrl(url)}"; write it as mysql://user:password@host:3306/database, ` +
        'with special characters in user and password percent-encoded',
    )
  }
}

function decode({ option }: NamedUrl, name: string, text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new InvalidOptionError(
      option,
      `option "${option}": its ${name} has a "%" that does not begin a code; write it as %25`,
    )
  }
}

function unknownParameter(option: string, name: string): InvalidOptionError {
  const known = [...CONNECTION_OPTIONS, ...SETTING_PARAMETERS, ...TLS_PARAMETERS, 'socket']
  const nearest = nearestName(name, known)?.name
  const shown = redactText(JSON.stringify(name.slice(0, 60)))
  return new InvalidOptionError(
    option,
    PARTS.includes(name)
      ? `option "${option}": its parameter ${shown} has no effect; write it into the address, as in mysql://user:password@host:3306/database`
      : `option "${option}" has an unknown parameter ${shown}${nearest === undefined ? '; remove it' : `; did you mean "${nearest}"?`}`,
  )
}
