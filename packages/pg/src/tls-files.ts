import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { SecureContextOptions } from 'node:tls'
import { InvalidOptionError } from '@connmgr/core'

type FileParameter = 'sslrootcert' | 'sslcert' | 'sslkey'

/** Where node-postgres puts the text of each file, and what that is to be. */
const FILES = {
  sslrootcert: { part: 'ca', label: 'CERTIFICATE', thing: 'a certificate' },
  sslcert: { part: 'cert', label: 'CERTIFICATE', thing: 'a certificate' },
  sslkey: { part: 'key', label: 'PRIVATE KEY', thing: 'a private key' },
} as const

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this process',
  EPERM: 'may not be read by this process',
  EISDIR: 'is a directory',
  ENOTDIR: 'does not exist',
}

/** The error of a file that a URL names and that cannot be read; undefined for any other error. */
export function fileProblem(option: string, error: unknown): InvalidOptionError | undefined {
  const { code, path, syscall } = error as { code?: string; path?: string; syscall?: string }
  if (typeof code !== 'string' || syscall === undefined) return undefined
  const why = WHY[code] ?? `cannot be read (${code})`
  const named =
    path === undefined
      ? 'a file of its parameters sslrootcert, sslcert or sslkey'
      : `the file "${path}"`
  const system =
    path === 'system'
      ? '; leave sslrootcert=system out, the authorities that Node trusts are used then'
      : '; correct the path, which is relative to the working directory of the process'
  return new InvalidOptionError(option, `option "${option}" names ${named}, which ${why}${system}`)
}

/**
 * @param ssl with the text of the file, as node-postgres has read it
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION` if a file does not hold what its parameter says
 */
export function requirePem(option: string, name: FileParameter, path: string, ssl: object): void {
  const { part, label, thing } = FILES[name]
  const text = String((ssl as SecureContextOptions)[part])
  const problem = problemOf(text, label)
  if (problem === undefined) return
  throw new InvalidOptionError(
    option,
    `option "${option}" names the file "${path}" in its parameter ${name}, but ${problem}; it must hold ${thing} in ` +
      `PEM format, beginning with -----BEGIN ${label}-----`,
  )
}

/** The client's certificate and key, in a PKCS #12 archive. */
export function readIdentity(option: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw fileProblem(option, error) ?? error
  }
}

/** A path, which Node would take for the text of a certificate. */
const PATH = /^(?:\.{0,2}[/\\]|~\/|[a-z]:\\)|\.(?:pem|crt|cer|key|ca)$/i

/**
 * @param ssl what node-postgres is to give to Node
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION` for the path of a file in place of its text
 */
export function rejectPaths(option: string, ssl: unknown): void {
  if (typeof ssl !== 'object' || ssl === null) return
  for (const name of ['ca', 'cert', 'key'] as const) {
    const value = (ssl as SecureContextOptions)[name]
    if (typeof value !== 'string' || value.includes('\n') || !PATH.test(value)) continue
    throw new InvalidOptionError(
      `${option}.${name}`,
      `option "${option}.${name}" must be the text of the file, but it is a path; write ${name}: ` +
        'fs.readFileSync(path), or name the file in the URL, as sslrootcert, sslcert or sslkey',
    )
  }
}

/** Undefined for a text that is what it is to be. The text itself is in no message: it may be a key. */
function problemOf(text: string, label: 'CERTIFICATE' | 'PRIVATE KEY'): string | undefined {
  if (text.trim() === '') return 'it is empty'
  const found = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1]
  if (found === undefined) return 'it is not in PEM format'
  if (!new RegExp(`-----BEGIN [A-Z0-9 ]*${label}-----`).test(text)) return `it holds a ${found}`
  try {
    if (label === 'CERTIFICATE') void new X509Certificate(text)
    else if (!text.includes('ENCRYPTED')) createPrivateKey(text)
    return undefined
  } catch {
    return 'it is damaged'
  }
}
