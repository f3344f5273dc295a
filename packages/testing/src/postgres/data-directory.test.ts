import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { findBinaries } from './binaries.js'
import { findServerUser } from './server-user.js'

const VARIABLE = 'CONNMGR_TEST_TEMPLATES'
const before = process.env[VARIABLE]
let directory: string

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'template-test-'))
  chmodSync(directory, 0o755)
  const user = findServerUser()
  if (user !== undefined) chownSync(directory, user.uid, user.gid)
})
afterEach(() => {
  if (before === undefined) delete process.env[VARIABLE]
  else process.env[VARIABLE] = before
  rmSync(directory, { recursive: true, force: true })
})

/** Makes the files of two servers, as a file of tests does whose servers are the first of its process. */
async function makeTwo(names: readonly [string, string], initdb?: string): Promise<string[]> {
  jest.resetModules()
  const { DataDirectory } = await import('./data-directory.js')
  const user = findServerUser()
  const binaries = findBinaries(user, directory)
  const identifiers: string[] = []
  for (const name of names) {
    const data = new DataDirectory(path.join(directory, name), user)
    await data.initialize({ ...binaries, initdb: initdb ?? binaries.initdb }, 'trust', {})
    const control = readFileSync(path.join(data.path, 'global', 'pg_control'))
    identifiers.push(String(control.readBigUInt64LE()))
  }
  return identifiers
}

test('every file of tests has copies of the same servers, and each server of a file its own identifier', async () => {
  process.env[VARIABLE] = directory
  const made = await makeTwo(['a', 'b'])
  expect(new Set(made).size).toBe(2)
  // This time there is no program to make them with.
  expect(await makeTwo(['c', 'd'], '/nowhere')).toEqual(made)
  expect(existsSync(path.join(directory, 'c', 'PG_VERSION'))).toBe(true)
})
