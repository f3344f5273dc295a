import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { findMariadb, MARIADB_INSTALL_COMMAND } from './binaries.js'
import { describeMariadb } from './describe-mariadb.js'

jest.mock('./binaries.js', () => {
  const actual = jest.requireActual('./binaries.js')
  return { ...actual, findMariadb: jest.fn(actual.findMariadb) }
})

const VARIABLES = ['CI', 'CONNMGR_REQUIRE_MARIADB', 'MARIADB_BIN', 'PATH']
const before = VARIABLES.map((name) => [name, process.env[name]] as const)

beforeEach(() => {
  for (const name of VARIABLES.slice(0, 3)) delete process.env[name]
})
afterEach(() => {
  jest.restoreAllMocks()
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
})

describe('findMariadb', () => {
  const find = jest.requireActual<typeof import('./binaries.js')>('./binaries.js').findMariadb
  let directory: string

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'binaries-test-'))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  test('MARIADB_BIN goes first', () => {
    const scripts = path.join(directory, 'share', 'mysql')
    mkdirSync(path.join(directory, 'bin'))
    mkdirSync(scripts, { recursive: true })
    writeFileSync(path.join(directory, 'bin', 'mariadbd'), '', { mode: 0o755 })
    for (const name of ['system_tables', 'performance_tables', 'system_tables_data']) {
      writeFileSync(path.join(scripts, `mysql_${name}.sql`), '')
    }
    process.env.MARIADB_BIN = path.join(directory, 'bin')
    expect(find()?.mariadbd).toBe(path.join(directory, 'bin', 'mariadbd'))
    expect(find()?.systemTables[0]).toBe(path.join(scripts, 'mysql_system_tables.sql'))
  })

  test('a MARIADB_BIN without MariaDB is refused by name', () => {
    process.env.MARIADB_BIN = directory
    expect(() => find()).toThrow(`MARIADB_BIN=${directory}`)
  })
})

describe('describeMariadb where MariaDB is missing', () => {
  const tests = (): void => {}

  beforeEach(() => {
    jest.mocked(findMariadb).mockReturnValue(undefined)
  })

  test('skips the tests, and says so in their name and, once a file, on stderr', () => {
    process.env.CONNMGR_REQUIRE_MARIADB = '0'
    const skip = jest.spyOn(describe, 'skip').mockImplementation()
    const stderr = jest.spyOn(process.stderr, 'write').mockReturnValue(true)
    describeMariadb('a replica', tests)
    describeMariadb('a primary', tests)
    expect(skip.mock.calls).toEqual([
      ['a replica (SKIPPED: MariaDB is not installed)', tests],
      ['a primary (SKIPPED: MariaDB is not installed)', tests],
    ])
    expect(stderr.mock.calls.map(([text]) => text)).toEqual([
      expect.stringMatching(
        /describe-mariadb\.test\.ts\n.*apt-get install .* mariadb-server-core\n/,
      ),
    ])
  })

  test('fails the file where MariaDB is required', () => {
    process.env.CONNMGR_REQUIRE_MARIADB = '1'
    expect(() => describeMariadb('a replica', tests)).toThrow(MARIADB_INSTALL_COMMAND)
  })
})
