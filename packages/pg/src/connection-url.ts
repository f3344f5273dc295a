import { InvalidOptionError, redactText, redactUrl } from '@connmgr/core'
import { invalidParameter, type NamedUrl, nearestName, PORT, portIn } from '@connmgr/core/driver'
import type { ClientConfig } from 'pg'
import { parse } from 'pg-connection-string'
import { fileProblem, readIdentity, requirePem } from './tls-files.js'
import { SETTING_PARAMETERS } from './url-settings.js'

/** Every parameter of a URL, as text, and what node-postgres makes of them and of the rest. */
export type UrlParts = Record<string, unknown> & {
  host?: string
  port?: number
  user?: string
  database?: string
  password?: string
  ssl?: ClientConfig['ssl']
}

/** As node-postgres: with an authority, a socket alone, or a directory of sockets and a database. */
const FORM = /^(?:(?:postgres|postgresql|pg):\/\/|socket:|\/)/i

/** What node-postgres reads of a URL, for its connection. */
export const CONNECTION_PARAMETERS = [
  'host',
  'port',
  'user',
  'password',
  'database',
  'ssl',
  'sslnegotiation',
  'client_encoding',
  'replication',
  'options',
  'application_name',
  'fallback_application_name',
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'query_timeout',
  'require_auth',
] as const
/** What says how the connection is encrypted: an URL with one of them says it all. */
export const TLS_PARAMETERS = [
  'ssl',
  'sslmode',
  'sslcert',
  'sslkey',
  'sslrootcert',
  'sslnegotiation',
  'sslaccept',
  'sslidentity',
  'sslpassword',
  'uselibpqcompat',
] as const
/** What libpq knows and node-postgres does not, without any harm. */
const LIBPQ_PARAMETERS = [
  'channel_binding',
  'gssencmode',
  'gssdelegation',
  'gsslib',
  'krbsrvname',
  'keepalives',
  'keepalives_idle',
  'keepalives_interval',
  'keepalives_count',
  'load_balance_hosts',
  'requirepeer',
  'sslcertmode',
  'sslcompression',
  'sslcrl',
  'sslcrldir',
  'sslsni',
  'ssl_min_protocol_version',
  'ssl_max_protocol_version',
  'target_session_attrs',
  'tcp_user_timeout',
]
/** What libpq knows and would lead it elsewhere, or as another, than node-postgres. */
const MISLEADING: Readonly<Record<string, string>> = {
  dbname: 'write the database behind the host, as in postgres://host:5432/database',
  hostaddr: 'write the address as the host',
  service: 'write out what the service file says',
  passfile: 'name the file in PGPASSFILE',
}
const KNOWN_PARAMETERS = [
  ...CONNECTION_PARAMETERS,
  ...TLS_PARAMETERS,
  ...SETTING_PARAMETERS,
  ...LIBPQ_PARAMETERS,
]
/** As libpq has them, and `no-verify` of node-postgres. */
export const SSL_MODES = [
  'disable',
  'allow',
  'prefer',
  'require',
  'verify-ca',
  'verify-full',
  'no-verify',
]

/**
 * Reads a URL exactly as node-postgres does, except that mistakes which that passes over are errors.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function parseUrl(named: NamedUrl): UrlParts {
  const { option, url } = named
  if (!FORM.test(url)) {
    throw new InvalidOptionError(
      option,
      `option "${option}" has an unsupported scheme: "${redactUrl(url)}"; it must begin with postgres:// or postgresql://`,
    )
  }
  if (hasSeveralHosts(authorityOf(url))) throw severalHosts(named)
  const parsed = parseAsNodePostgres(named)
  const parts: UrlParts = {}
  for (const [name, value] of Object.entries(parsed))
    if (value !== undefined && value !== null && value !== '') parts[name] = value
  if (hasSeveralHosts(parts.host ?? '')) throw severalHosts(named)
  checkParameters(named, parts)
  if (parts.port !== undefined) parts.port = portIn(parts.port) ?? wrongPort(option, parts.port)
  parts.ssl = tlsOf(named, parts)
  if (parts.ssl === undefined) delete parts.ssl
  return parts
}

function wrongPort(option: string, given: unknown): never {
  throw invalidParameter(option, 'port', given, PORT)
}

/** Whether a text names hosts as libpq takes several. */
export function hasSeveralHosts(host: string): boolean {
  return host.includes(',') && !host.startsWith('/')
}

function authorityOf(url: string): string {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(url)?.[1] ?? ''
  return authority.slice(authority.lastIndexOf('@') + 1)
}

function severalHosts({ option, url }: NamedUrl): InvalidOptionError {
  return new InvalidOptionError(
    option,
    `option "${option}" names several hosts: "${redactUrl(url)}"; give one host here and the others in failoverUrls`,
  )
}

function parseAsNodePostgres({ option, url }: NamedUrl): Record<string, unknown> {
  try {
    return parse(url) as unknown as Record<string, unknown>
  } catch (error) {
    throw fileProblem(option, error) ?? refused(option, url, error)
  }
}

/** The error of a URL that cannot be parsed carries the URL, password included; it goes no further. */
function refused(option: string, url: string, error: unknown): InvalidOptionError {
  const { code, message } = error as { code?: unknown; message: string }
  if (code === 'ERR_INVALID_URL' || error instanceof URIError) {
    return new InvalidOptionError(
      option,
      `option "${option}" is not a valid URL: "${redactUrl(url)}"; it must look like ` +
        'postgres://user:password@host:5432/database, with special characters of the password percent-encoded',
    )
  }
  return new InvalidOptionError(
    option,
    `option "${option}" cannot be used: "${redactUrl(url)}": ${redactText(message)}`,
  )
}

/** A parameter that is passed over may be one that was meant to encrypt the connection. */
function checkParameters({ option }: NamedUrl, parts: UrlParts): void {
  for (const name of Object.keys(parts)) {
    const fix = Object.hasOwn(MISLEADING, name) ? MISLEADING[name] : undefined
    if (fix !== undefined) {
      throw new InvalidOptionError(
        option,
        `option "${option}" has the parameter "${name}", which node-postgres does not read; ${fix}`,
      )
    }
    if ((KNOWN_PARAMETERS as readonly string[]).includes(name)) continue
    const near = nearestName(name, KNOWN_PARAMETERS)
    if (near === undefined) continue
    throw new InvalidOptionError(
      option,
      `option "${option}" has the unknown parameter "${name}"; did you mean "${near.name}"?`,
    )
  }
}

function tlsOf({ option }: NamedUrl, parts: UrlParts): ClientConfig['ssl'] | undefined {
  const { sslmode } = parts as { sslmode?: string }
  if (sslmode !== undefined && !SSL_MODES.includes(sslmode))
    throw invalidParameter(option, 'sslmode', sslmode, oneOf(SSL_MODES))
  const ssl = sslOf(option, parts.ssl)
  if (typeof ssl !== 'object') {
    if (parts.sslaccept === 'strict' && ssl === undefined) throw acceptWithoutMode(option)
    return ssl
  }
  for (const name of ['sslrootcert', 'sslcert', 'sslkey'] as const)
    if (typeof parts[name] === 'string') requirePem(option, name, parts[name], ssl)
  return asPrismaHasIt(option, parts, ssl)
}

function sslOf(option: string, ssl: unknown): ClientConfig['ssl'] | undefined {
  if (ssl === undefined || typeof ssl === 'boolean' || typeof ssl === 'object')
    return ssl as ClientConfig['ssl']
  // node-postgres takes it for any text that is not empty, and so for "on".
  if (ssl === 'false') return false
  if (ssl === 'no-verify') return { rejectUnauthorized: false }
  throw invalidParameter(option, 'ssl', ssl, oneOf(['true', 'false', 'no-verify']))
}

/** In Prisma's URLs the certificate is that of the authority, the client's own is in an archive, and `sslaccept` decides. */
function asPrismaHasIt(
  option: string,
  { sslaccept, sslidentity, sslpassword, sslcert, sslkey, sslrootcert }: UrlParts,
  ssl: Exclude<ClientConfig['ssl'], boolean | undefined>,
): ClientConfig['ssl'] {
  if (sslaccept !== undefined) {
    if (sslaccept === 'accept_invalid_certs') ssl.rejectUnauthorized = false
    else if (sslaccept !== 'strict')
      throw invalidParameter(
        option,
        'sslaccept',
        sslaccept,
        oneOf(['strict', 'accept_invalid_certs']),
      )
  }
  if (typeof sslidentity === 'string') ssl.pfx = readIdentity(option, sslidentity)
  if (typeof sslpassword === 'string') ssl.passphrase = sslpassword
  const forPrisma = sslaccept !== undefined || sslidentity !== undefined
  if (forPrisma && sslcert !== undefined && sslkey === undefined && sslrootcert === undefined) {
    ssl.ca = ssl.cert as string
    delete ssl.cert
  }
  return ssl
}

function acceptWithoutMode(option: string): InvalidOptionError {
  return new InvalidOptionError(
    option,
    `option "${option}" has the parameter "sslaccept=strict" without "sslmode", so the connection would not be ` +
      'encrypted; add sslmode=require, or leave sslaccept out',
  )
}

function oneOf(choices: readonly string[]): string {
  return `one of ${choices.join(', ')}`
}
