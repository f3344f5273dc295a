import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const ROOT = join(__dirname, '..')

/** A cell of the table: the library, the database, what the cell says. */
type Cell = readonly [library: string, database: string, text: string]

function cells(): Cell[] {
  const page = readFileSync(join(ROOT, 'README.md'), 'utf8')
  const [, table = ''] =
    /<!-- databases: written[^>]*-->\n([\s\S]*?)<!-- databases: end -->/.exec(page) ?? []
  const [head = [], , ...rows] = table
    .trim()
    .split('\n')
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
  return rows.flatMap(([library = '', ...texts]) =>
    texts.map((text, index): Cell => [library, head[index + 1] ?? '', text]),
  )
}

/** As jest cannot import an ES module, the program says what it exports. */
function suites(): Record<string, Record<string, { file: string; tests?: string }>> {
  const url = pathToFileURL(join(ROOT, 'scripts', 'database-suites.mjs'))
  const program = `import { SUITES } from '${url}'; process.stdout.write(JSON.stringify(SUITES))`
  const { execFileSync } = require('node:child_process') as typeof import('node:child_process')
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }),
  )
}

test('the table of databases in the README has a cell for each suite, and a suite for each cell', () => {
  const claimed = cells().filter(([, , text]) => text !== '–')
  expect(claimed.every(([, , text]) => /^[1-9]\d* tests$/.test(text))).toBe(true)
  expect(claimed.map(([library, database]) => `${library} on ${database}`).sort()).toEqual(
    Object.entries(suites())
      .flatMap(([library, databases]) =>
        Object.keys(databases).map((database) => `${library} on ${database}`),
      )
      .sort(),
  )
})

test('each suite is there', () => {
  const all = Object.values(suites()).flatMap((databases) => Object.values(databases))
  for (const { file, tests = '' } of all) {
    expect(existsSync(join(ROOT, file))).toBe(true)
    expect(readFileSync(join(ROOT, file), 'utf8')).toContain(
      tests.replace(/^(MySQL|MariaDB): /, ''),
    )
  }
})
