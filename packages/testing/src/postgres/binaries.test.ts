import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { findBinaries } from './binaries.js'
import { findServerUser } from './server-user.js'

describe('findBinaries', () => {
  const user = findServerUser()
  let directory: string
  const { PG_BIN } = process.env

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'binaries-test-'))
    delete process.env.PG_BIN
  })
  afterEach(() => {
    if (PG_BIN === undefined) delete process.env.PG_BIN
    else process.env.PG_BIN = PG_BIN
    rmSync(directory, { recursive: true, force: true })
  })

  test('finds the programs of the package for this platform', () => {
    const { postgres } = findBinaries(user, directory)
    expect(postgres).toContain(`${path.sep}${process.platform}-${process.arch}${path.sep}`)
  })

  test('PG_BIN goes first', () => {
    const native = path.join(directory, 'native')
    cpSync(path.join(findBinaries(undefined, directory).directory, '..'), native, {
      recursive: true,
      verbatimSymlinks: true,
    })
    process.env.PG_BIN = path.join(native, 'bin')
    expect(findBinaries(undefined, directory).postgres).toBe(path.join(native, 'bin', 'postgres'))
  })

  test('a PG_BIN without PostgreSQL is refused by name', () => {
    process.env.PG_BIN = directory
    expect(() => findBinaries(user, directory)).toThrow(`PG_BIN=${directory}`)
  })

  // Only root runs servers as another user.
  const asRoot = user === undefined ? test.skip : test
  asRoot('programs in a directory that is closed to the servers’ user are refused', () => {
    const native = path.join(directory, 'native')
    cpSync(path.join(findBinaries(user, directory).directory, '..'), native, {
      recursive: true,
      verbatimSymlinks: true,
    })
    process.env.PG_BIN = path.join(native, 'bin')
    expect(() => findBinaries(user, directory)).toThrow(
      `user "${user?.name}" cannot run "postgres"`,
    )
  })
})
