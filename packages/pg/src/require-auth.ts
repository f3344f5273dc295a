import { TLSSocket } from 'node:tls'
import { AuthenticationRefusedError, InvalidOptionError, UnsupportedError } from '@connmgr/core'
import type { Client } from 'pg'
import { internalsOf } from './client-internals.js'

/** How a server may have a client prove who it is. `none` asks for nothing, also where a certificate has been shown. */
export type AuthMethod = 'none' | 'password' | 'md5' | 'scram-sha-256'

/** What a client answers to. */
export interface AuthPolicy {
  readonly methods: ReadonlySet<AuthMethod>
  /** Whether the password goes in clear only over TLS whose certificate was verified. */
  readonly clearIfVerified: boolean
}

const METHODS: readonly AuthMethod[] = ['none', 'password', 'md5', 'scram-sha-256']
/** Those that libpq knows besides. node-postgres answers to none of them, so that they need no refusal. */
const OF_LIBPQ = ['gss', 'sspi', 'oauth']
const EXPECTED =
  "a list of 'scram-sha-256', 'md5', 'password' and 'none', or of what is refused, each with a '!' before it"

/**
 * The methods that a `require_auth` of libpq allows: a list with commas, or an array, of those that are allowed, or all
 * with a `!`, of those that are not.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function allowedMethods(option: string, given: unknown): ReadonlySet<AuthMethod> {
  const entries: unknown[] = typeof given === 'string' ? given.split(',') : listOf(given)
  const names = entries.map((each) => (typeof each === 'string' ? each.trim().toLowerCase() : ''))
  const refused = names.filter((each) => each.startsWith('!')).map((each) => each.slice(1))
  const known = (each: string, more: readonly string[]): boolean =>
    (METHODS as readonly string[]).includes(each) || more.includes(each)
  const negated = refused.length > 0
  const valid = negated
    ? refused.length === names.length && refused.every((each) => known(each, OF_LIBPQ))
    : names.length > 0 && names.every((each) => known(each, []))
  if (!valid) {
    throw new InvalidOptionError(
      option,
      `option "${option}" must be ${EXPECTED}, but it is ${JSON.stringify(given)?.slice(0, 60)}`,
    )
  }
  return new Set(
    METHODS.filter((each) => (negated ? !refused.includes(each) : names.includes(each))),
  )
}

/** For servers that a topology source has named, where nothing is required: anybody may be there. */
export const FOR_NAMED: AuthPolicy = { methods: new Set(METHODS), clearIfVerified: true }

/**
 * Holds every request of the server for a proof against what is allowed, before anything is answered, for as long as the
 * connection lives: a server, or what stands between, may ask at any time. To be called before the client connects.
 *
 * @throws UnsupportedError `CONNMGR_UNSUPPORTED` if this client shows nothing of its login
 */
export function guardLogin(client: Client, policy: AuthPolicy): void {
  const { connection } = internalsOf(client)
  if (connection === undefined)
    throw new UnsupportedError('requireAuth needs a client of node-postgres that is not native')
  const wire = connection as unknown as Senders
  const where = `${client.host}:${client.port}`
  let asked: AuthMethod = 'none'
  let serverProved = false
  let done = false

  const refuse = (what: string): void => {
    // The handlers of node-postgres are about to answer.
    for (const sender of SENDERS) wire[sender] = () => {}
    connection.emit('error', new AuthenticationRefusedError(`${where} ${what}`))
    connection.stream.destroy()
  }
  const askedFor = (method: AuthMethod, what: string): void => {
    asked = method
    if (done) refuse('asks for a proof again after the login')
    else if (!policy.methods.has(method))
      refuse(`${what}, and requireAuth allows ${[...policy.methods].join(', ') || 'nothing'} alone`)
    else if (method === 'password' && policy.clearIfVerified && !isVerified(connection.stream))
      refuse(
        `${what}, which a server that a topology source has named gets over TLS with a verified certificate alone; ` +
          "to send it all the same, set requireAuth, such as ['scram-sha-256', 'password']",
      )
  }
  connection.on('authenticationCleartextPassword', () =>
    askedFor('password', 'asks for the password in clear'),
  )
  connection.on('authenticationMD5Password', () => askedFor('md5', 'asks for an MD5 password'))
  connection.on('authenticationSASL', () => askedFor('scram-sha-256', 'asks for SCRAM'))
  connection.on('authenticationSASLFinal', () => {
    serverProved = true
  })
  connection.on('authenticationOk', () => {
    done = true
    if (asked === 'none' && !policy.methods.has('none'))
      refuse(`asks for no proof, and requireAuth allows ${[...policy.methods].join(', ')} alone`)
    else if (asked === 'scram-sha-256' && !serverProved)
      refuse('ended SCRAM without a proof that it knows the password')
  })
}

const SENDERS = [
  'password',
  'sendSASLInitialResponseMessage',
  'sendSCRAMClientFinalMessage',
] as const
type Senders = Record<(typeof SENDERS)[number], () => void>

function listOf(given: unknown): unknown[] {
  return Array.isArray(given) ? given : [given]
}

function isVerified(stream: unknown): boolean {
  return stream instanceof TLSSocket && stream.authorized
}
