import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createConnectionManager } from '@connmgr/sqlite'
import { doctor } from '../../test/doctor.js'
import { runCommand } from '../../test/run-command.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'connmgr-cli-sqlite-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function fill(
  name: string,
  options: { journalMode?: 'wal' | 'delete'; foreignKeys?: boolean },
  ...statements: string[]
): Promise<string> {
  const file = path.join(folder, name)
  const { journalMode = 'wal', foreignKeys = true } = options
  const manager = createConnectionManager({
    databaseUrl: `file:${file}`,
    journalMode,
    pragmas: { foreign_keys: foreignKeys },
    logger: false,
  })
  await manager.use(async (database) => {
    for (const statement of statements) await database.run(statement)
  })
  await manager.close()
  return `file:${file}`
}

test('a healthy file has no finding', async () => {
  const url = await fill('healthy.db', {}, 'create table one (id integer primary key, name text)')
  const { code, report } = await doctor('--url', url)
  expect(report.findings).toEqual([])
  expect(code).toBe(0)
  expect(report.servers[0]).toMatchObject({
    database: 'sqlite',
    version: expect.stringMatching(/^3\./),
    facts: { journalMode: 'wal', quickCheck: true },
  })
})

test('names foreign keys that are violated, and those without an index', async () => {
  const url = await fill(
    'keys.db',
    { foreignKeys: false },
    'create table parent (id integer primary key)',
    'create table child (id integer primary key, parent_id integer references parent (id))',
    'create table indexed (id integer primary key, parent_id integer references parent (id))',
    'create index indexed_parent on indexed (parent_id)',
    'insert into child (parent_id) values (7), (8)',
  )
  const { code, report } = await doctor('--url', url)
  expect(code).toBe(1)
  expect(report.findings.map(({ evidence, id }) => [id, evidence])).toEqual([
    ['foreign-keys-violated', ['child: 2 without a row in parent']],
    ['foreign-key-without-index', ['child (parent_id)']],
  ])
})

test('a rollback journal is advice, and the file stays as it is', async () => {
  const url = await fill(
    'journal.db',
    { journalMode: 'delete' },
    'create table one (id integer primary key)',
  )
  const before = readFileSync(url.slice('file:'.length))
  const { code, report } = await doctor('--url', url)
  expect(report.findings).toMatchObject([{ id: 'journal-not-wal', severity: 'advice' }])
  expect(code).toBe(0)
  expect(readFileSync(url.slice('file:'.length))).toEqual(before)
})

test('damage is critical', async () => {
  const rows = Array.from({ length: 400 }, (_, index) => `(${index + 1}, '${'x'.repeat(100)}')`)
  const url = await fill(
    'damaged.db',
    { journalMode: 'delete' },
    'create table one (id integer primary key, name text)',
    'create index one_name on one (name)',
    `insert into one values ${rows.join(', ')}`,
  )
  const file = url.slice('file:'.length)
  const bytes = readFileSync(file)
  bytes.fill(0xff, 3 * 4096, 5 * 4096)
  writeFileSync(file, bytes)
  const { code, report } = await doctor('--url', url)
  expect(code).toBe(1)
  expect(report.findings[0]).toMatchObject({ id: 'database-damaged', severity: 'critical' })
})

test('a file that is not there is exit code 3, and is not made', async () => {
  const file = path.join(folder, 'missing.db')
  const { code, report } = await doctor('--url', `file:${file}`)
  expect(code).toBe(3)
  expect(existsSync(file)).toBe(false)
  // The reason, at once, rather than that the time is over.
  expect(report.findings).toMatchObject([
    { id: 'unreachable', evidence: [expect.stringContaining('there is no such file')] },
  ])
})

test('a folder, and what is no database, are named as such at once', async () => {
  const text = path.join(folder, 'text.db')
  writeFileSync(text, 'not a database, and longer than the header of one would be: '.repeat(9))
  for (const [file, reason] of [
    [folder, 'cannot open'],
    [text, 'it is no SQLite database'],
    [path.join(folder, 'nowhere', 'one.db'), 'nowhere does not exist'],
  ] as const) {
    const { code, report } = await doctor('--url', `file:${file}`)
    expect(code).toBe(3)
    expect(report.findings).toMatchObject([
      { id: 'unreachable', evidence: [expect.stringContaining(reason)] },
    ])
  }
})

test('check says why a file cannot be opened', async () => {
  const { code, stdout } = await runCommand(['check', '--url', `file:${folder}/missing.db`])
  expect(code).toBe(3)
  expect(stdout).toContain('there is no such file')
})

test('check of a file says that it takes writes', async () => {
  const url = await fill('checked.db', {}, 'create table one (id integer primary key)')
  const { code, stdout } = await runCommand(['check', '--url', url])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^up .*checked\.db {2}primary/)
})
