import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describeEachProduct, describeMariadb, describeMysql } from './describe-products.js'
import { MARIADB, MARIADB_INSTALL_COMMAND } from './mariadb.js'
import { MYSQL } from './mysql.js'

const VARIABLES = [
  'CI',
  'CONNMGR_REQUIRE_MARIADB',
  'CONNMGR_REQUIRE_MYSQL',
  'MARIADB_BIN',
  'MYSQL_BIN',
]
const before = VARIABLES.map((name) => [name, process.env[name]] as const)

beforeEach(() => {
  for (const name of VARIABLES) delete process.env[name]
})
afterEach(() => {
  jest.restoreAllMocks()
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
})

describe('where the products are found', () => {
  let directory: string

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'products-test-'))
    mkdirSync(path.join(directory, 'bin'))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  /** A server that cannot make its files. */
  const putServer = (name: string): string => {
    const file = path.join(directory, 'bin', name)
    writeFileSync(file, '#!/bin/sh\necho no room for it >&2\nexit 1\n', { mode: 0o755 })
    return file
  }
  const putMariadb = (): string => {
    const scripts = path.join(directory, 'share', 'mysql')
    mkdirSync(scripts, { recursive: true })
    for (const name of ['system_tables', 'performance_tables', 'system_tables_data'])
      writeFileSync(path.join(scripts, `mysql_${name}.sql`), '')
    return putServer('mariadbd')
  }
  const putMysql = (): string => {
    mkdirSync(path.join(directory, 'share', 'mysql', 'english'), { recursive: true })
    return putServer('mysqld')
  }

  test.each([
    [MARIADB, 'MARIADB_BIN', putMariadb],
    [MYSQL, 'MYSQL_BIN', putMysql],
  ])(
    'a named directory goes first, and its server says why it fails: %#',
    async (product, variable, put) => {
      const server = put()
      process.env[variable] = path.join(directory, 'bin')
      const programs = product.find()
      expect(programs?.server).toBe(server)
      await expect(programs?.makeFiles(path.join(directory, 'files'))).rejects.toThrow(
        /bin\/(mariadbd|mysqld)[\s\S]*no room for it/,
      )
    },
  )

  test.each([
    [MARIADB, 'MARIADB_BIN'],
    [MYSQL, 'MYSQL_BIN'],
  ])('a named directory without it is refused by name: %#', (product, variable) => {
    process.env[variable] = directory
    expect(() => product.find()).toThrow(`${variable}=${directory}`)
  })

  test('a link to MariaDB is no MySQL', () => {
    symlinkSync(putMariadb(), path.join(directory, 'bin', 'mysqld'))
    mkdirSync(path.join(directory, 'share', 'mysql', 'english'))
    process.env.MYSQL_BIN = path.join(directory, 'bin')
    expect(() => MYSQL.find()).toThrow('program "mysqld" of MySQL')
  })
})

describe('where a product is missing', () => {
  const tests = (): void => {}

  beforeEach(() => {
    for (const product of [MARIADB, MYSQL]) jest.spyOn(product, 'find').mockReturnValue(undefined)
  })

  test('its tests are skipped, and say so in their name and, once a file, on stderr', () => {
    process.env.CONNMGR_REQUIRE_MARIADB = '0'
    const skip = jest.spyOn(describe, 'skip').mockImplementation()
    const stderr = jest.spyOn(process.stderr, 'write').mockReturnValue(true)
    describeMariadb('a replica', tests)
    describeMysql('a primary', tests)
    describeEachProduct('a server', tests)
    expect(skip.mock.calls.map(([name]) => name)).toEqual([
      'a replica (SKIPPED: MariaDB is not here)',
      'a primary (SKIPPED: MySQL is not here)',
      'MariaDB: a server (SKIPPED: MariaDB is not here)',
      'MySQL: a server (SKIPPED: MySQL is not here)',
    ])
    expect(stderr.mock.calls.map(([text]) => text)).toEqual([
      expect.stringMatching(
        /describe-products\.test\.ts\n.*apt-get install .* mariadb-server-core\n/,
      ),
      expect.stringMatching(/describe-products\.test\.ts\n.*npm run labs.*MYSQL_BIN\n/),
    ])
  })

  test('the file fails where it is required', () => {
    process.env.CONNMGR_REQUIRE_MARIADB = '1'
    expect(() => describeMariadb('a replica', tests)).toThrow(MARIADB_INSTALL_COMMAND)
    process.env.CONNMGR_REQUIRE_MYSQL = '1'
    expect(() => describeMysql('a replica', tests)).toThrow('MYSQL_BIN')
  })
})
