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
  test('a MARIADB_BIN without MariaDB is refused by name', () => {
    process.env.MARIADB_BIN = __dirname
    expect(() => findMariadb()).toThrow(`MARIADB_BIN=${__dirname}`)
  })

  describeMariadb('where MariaDB is installed', () => {
    test('MARIADB_BIN goes first', () => {
      const found = findMariadb()
      const folder = path.dirname(found?.mariadbd ?? '')
      process.env.MARIADB_BIN = folder
      expect(findMariadb()).toEqual(found)
    })
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
