import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { inspect } from 'node:util'
import { TEST_CERTIFICATE, TEST_KEY } from '@connmgr/testing'
import { createConnectionManager } from './create-connection-manager.js'
import { endpointFrom } from './endpoint-config.js'

const SECRET = 's3cr3t'
let directory: string
const file = (name: string, content = ''): string => {
  const at = path.join(directory, name)
  writeFileSync(at, content)
  return at
}
const sslOf = (query: string) =>
  (
    endpointFrom('databaseUrl', { connectionString: `postgres://u:${SECRET}@h/d?${query}` })
      .config as { ssl: Record<string, unknown> }
  ).ssl
const failureOf = (work: () => unknown): Error & { option?: string } => {
  try {
    work()
  } catch (error) {
    return error as Error
  }
  throw new Error('expected an error')
}

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'connmgr-tls-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

describe('a file of a URL', () => {
  test('is read, as node-postgres does', () => {
    const [ca, key] = [file('ca.pem', TEST_CERTIFICATE), file('key.pem', TEST_KEY)]
    const ssl = sslOf(`sslmode=verify-full&sslrootcert=${ca}&sslcert=${ca}&sslkey=${key}`)
    expect(ssl).toMatchObject({ ca: TEST_CERTIFICATE, cert: TEST_CERTIFICATE })
    expect(ssl.key).toBe(TEST_KEY)
  })

  test.each<[string, (at: string) => string, RegExp]>([
    [
      'is not there',
      (at) => `sslrootcert=${at}/none.pem`,
      /names the file ".*none\.pem", which does not exist; correct the path/,
    ],
    ['is a directory', (at) => `sslrootcert=${at}`, /which is a directory/],
    [
      'is empty',
      () => `sslrootcert=${file('empty.pem')}`,
      /empty\.pem" in its parameter sslrootcert, but it is empty/,
    ],
    [
      'is something else',
      () => `sslrootcert=${file('ca.der', 'not a certificate')}`,
      /it is not in PEM format; it must hold a certificate/,
    ],
    [
      'is a key in place of a certificate',
      () => `sslcert=${file('a.pem', TEST_KEY)}`,
      /sslcert, but it holds a PRIVATE KEY/,
    ],
    [
      'is a certificate in place of a key',
      () => `sslkey=${file('a.pem', TEST_CERTIFICATE)}`,
      /sslkey, but it holds a CERTIFICATE; it must hold a private key/,
    ],
    [
      'is damaged',
      () => `sslrootcert=${file('a.pem', TEST_CERTIFICATE.slice(0, 120))}`,
      /it is damaged/,
    ],
    [
      'is libpq’s word for what Node has',
      () => 'sslmode=verify-full&sslrootcert=system',
      /leave sslrootcert=system out/,
    ],
    [
      'is an identity that is not there',
      (at) => `sslmode=require&sslidentity=${at}/id.p12`,
      /id\.p12", which does not exist/,
    ],
  ])('that %s is named with its option', (_name, query, message) => {
    const error = failureOf(() => sslOf(query(directory)))
    expect(error).toMatchObject({ code: 'CONNMGR_INVALID_OPTION', option: 'databaseUrl' })
    expect(error.message).toMatch(message)
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET)
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(TEST_KEY.split('\n')[1])
  })

  // Root reads everything.
  const unlessRoot = process.getuid?.() === 0 ? test.skip : test
  unlessRoot('that may not be read is named so', () => {
    const at = file('ca.pem', TEST_CERTIFICATE)
    chmodSync(at, 0)
    expect(failureOf(() => sslOf(`sslrootcert=${at}`)).message).toMatch(
      /may not be read by this process/,
    )
  })

  test('is the authority’s under Prisma’s names, and the client’s own is an archive', () => {
    const ca = file('ca.pem', TEST_CERTIFICATE)
    const identity = file('id.p12', 'archive')
    expect(
      sslOf(
        `sslmode=require&sslaccept=strict&sslcert=${ca}&sslidentity=${identity}&sslpassword=pw`,
      ),
    ).toEqual({ ca: TEST_CERTIFICATE, pfx: Buffer.from('archive'), passphrase: 'pw' })
    expect(sslOf('sslmode=require&sslaccept=accept_invalid_certs')).toEqual({
      rejectUnauthorized: false,
    })
  })
})

test.each(['ca', 'cert', 'key'])('a path as ssl.%s is refused', (name) => {
  const make = () =>
    createConnectionManager({
      databaseUrl: 'postgres://h/d',
      ssl: { [name]: '/etc/ssl/root.crt' },
      logger: false,
    })
  expect(failureOf(make)).toMatchObject({
    code: 'CONNMGR_INVALID_OPTION',
    option: `ssl.${name}`,
    message: expect.stringContaining('fs.readFileSync(path)'),
  })
})
