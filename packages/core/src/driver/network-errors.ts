import type { FailureKind } from './failure-kind.js'

/** Codes of system calls and of name resolution; https://nodejs.org/api/errors.html#common-system-errors */
const BY_CODE: Readonly<Record<string, FailureKind>> = {
  ECONNREFUSED: 'unreachable',
  ENOTFOUND: 'unreachable',
  EAI_AGAIN: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETDOWN: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  ENOENT: 'unreachable',
  EMFILE: 'unreachable',
  ENFILE: 'unreachable',
  ETIMEDOUT: 'lost',
  ECONNRESET: 'lost',
  ECONNABORTED: 'lost',
  EPIPE: 'lost',
}

/** What the codes of OpenSSL's verdicts on a certificate, and of Node's own TLS errors, begin with. */
const TLS_PREFIXES = ['ERR_TLS', 'ERR_SSL', 'ERR_OSSL', 'CERT_', 'UNABLE_TO_']
const TLS_CODES: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'HOSTNAME_MISMATCH',
])

/**
 * What the code of an error of Node's sockets, of name resolution or of TLS means for the connection and for the server
 * behind it; `undefined` for a code of another origin.
 */
export function networkFailure(code: unknown): FailureKind | undefined {
  if (typeof code !== 'string') return undefined
  if (Object.hasOwn(BY_CODE, code)) return BY_CODE[code]
  return TLS_CODES.has(code) || TLS_PREFIXES.some((prefix) => code.startsWith(prefix))
    ? 'setup'
    : undefined
}
