import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { findMariadb, type MariadbBinaries } from './binaries.js'
import { MariadbTemplate } from './data-directory.js'
import { describeMariadb } from './describe-mariadb.js'

const VARIABLE = 'CONNMGR_TEST_TEMPLATES'

describeMariadb('the files that MariaDB servers start from', () => {
  const before = process.env[VARIABLE]
  let directory: string

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'template-test-'))
  })
  afterEach(() => {
    if (before === undefined) delete process.env[VARIABLE]
    else process.env[VARIABLE] = before
    rmSync(directory, { recursive: true, force: true })
  })

  test('are made once in a run and copied by all clusters of it', async () => {
    process.env[VARIABLE] = directory
    const binaries = findMariadb() as MariadbBinaries
    const first = path.join(directory, 'first')
    await new MariadbTemplate(binaries, first).copyTo(path.join(first, 'node-1'))
    expect(readdirSync(directory).sort()).toEqual(['first', 'mariadb'])
    // This one has no program to make them with.
    const second = new MariadbTemplate({ mariadbd: '/nowhere', systemTables: [] }, directory)
    await second.copyTo(path.join(directory, 'node-2'))
    expect(readdirSync(path.join(directory, 'node-2'))).toEqual(
      readdirSync(path.join(first, 'node-1')),
    )
  })

  test('are made by each cluster for itself where a run keeps none', async () => {
    delete process.env[VARIABLE]
    const template = new MariadbTemplate(findMariadb() as MariadbBinaries, directory)
    await Promise.all([1, 2].map((n) => template.copyTo(path.join(directory, `node-${n}`))))
    expect(readdirSync(directory).sort()).toEqual(['node-1', 'node-2', 'template'])
  })

  test('a failure to make them says what the server said', async () => {
    const template = new MariadbTemplate({ mariadbd: '/bin/false', systemTables: [] }, directory)
    delete process.env[VARIABLE]
    await expect(template.copyTo(path.join(directory, 'node-1'))).rejects.toThrow('/bin/false')
  })
})
