import { readFileSync } from 'node:fs'
import { InvalidOptionError } from '@connmgr/core'
import type { SslOptions } from 'mysql2'

/** What in a URL says how the connection is encrypted: of Prisma, of MySQL's own programs, and as elsewhere. */
export const TLS_PARAMETERS: readonly string[] = [
  'sslaccept',
  'sslcert',
  'sslmode',
  'ssl-mode',
  'ssl-ca',
  'ssl_ca',
]

/** The names of MySQL's programs, and those of other databases for the same. `PREFERRED` is no promise, so it is none here. */
const MODES: Readonly<Record<string, SslOptions | false>> = {
  disabled: false,
  disable: false,
  required: { rejectUnauthorized: false },
  require: { rejectUnauthorized: false },
  verify_ca: { rejectUnauthorized: true },
  'verify-ca': { rejectUnauthorized: true },
  verify_identity: { rejectUnauthorized: true, verifyIdentity: true },
  'verify-full': { rejectUnauthorized: true, verifyIdentity: true },
}
const ACCEPTS: Readonly<Record<string, SslOptions>> = {
  strict: { rejectUnauthorized: true, verifyIdentity: true },
  accept_invalid_certs: { rejectUnauthorized: false },
}

/**
 * The option `ssl` of mysql2 that the parameters of a URL ask for; undefined if they do not.
 *
 * @param given what the parameter `ssl` says, as mysql2 reads it
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function sslOf(
  option: string,
  parameters: Readonly<Record<string, string>>,
  given: unknown,
): SslOptions | string | false | undefined {
  if (given === false) return false
  let ssl = typeof given === 'object' && given !== null ? (given as SslOptions) : undefined
  // A name of a profile, such as "Amazon RDS".
  if (typeof given === 'string') return given
  if (given === true) ssl = {}
  const mode = parameters.sslmode ?? parameters['ssl-mode']
  if (mode !== undefined) {
    const asked = choice(option, 'sslmode', mode, MODES)
    if (asked === false) return false
    ssl = { ...ssl, ...asked }
  }
  if (parameters.sslaccept !== undefined)
    ssl = { ...ssl, ...choice(option, 'sslaccept', parameters.sslaccept, ACCEPTS) }
  const ca = parameters.sslcert ?? parameters['ssl-ca'] ?? parameters.ssl_ca
  return ca === undefined
    ? ssl
    : { rejectUnauthorized: true, ...ssl, ca: readCertificate(option, ca) }
}

function choice<T>(
  option: string,
  name: string,
  value: string,
  choices: Readonly<Record<string, T>>,
): T {
  const found = choices[value.toLowerCase()]
  if (found !== undefined) return found
  throw new InvalidOptionError(
    option,
    `option "${option}": its ${name} must be one of ${Object.keys(choices).join(', ')}, but it is ${JSON.stringify(value.slice(0, 60))}`,
  )
}

function readCertificate(option: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new InvalidOptionError(
      option,
      `option "${option}" names the file "${path}" with the certificate of the authority, which cannot be read (${code}); ` +
        'correct the path, which is relative to the working directory of the process',
    )
  }
}
