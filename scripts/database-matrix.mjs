// Runs the suites of the adapters on every database, and writes what they have run into the table of the README:
//
//   node scripts/database-matrix.mjs          runs them all
//
// It takes every database: without MySQL or MariaDB it fails.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DATABASES, SUITES, tableOf, withTable } from './database-suites.mjs'
import { exitLike, ROOT, run, runBin } from './run.mjs'

const readme = join(ROOT, 'README.md')
const report = join(tmpdir(), `connmgr-suites-${process.pid}.json`)
const suites = Object.values(SUITES).flatMap((databases) => Object.values(databases))
const files = [...new Set(suites.map(({ file }) => file))]
try {
  await run(process.execPath, ['scripts/prisma-generate.mjs'], { quiet: true })
  await runBin('jest', ['--json', `--outputFile=${report}`, ...files]).catch(() => {})
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'))
  const countOf = ({ file, tests = '' }) => {
    const result = testResults.find(({ name }) => name.endsWith(file))
    const all = (result?.assertionResults ?? []).filter(({ fullName }) =>
      fullName.startsWith(tests),
    )
    const count = (wanted) => all.filter(({ status }) => status === wanted).length
    if (count('failed') > 0 || count('passed') === 0)
      throw new Error(
        `${file} ${tests}: ${count('failed')} tests failed, ${count('passed')} passed`,
      )
    return count('passed')
  }
  const table = tableOf((orm, database) => countOf(SUITES[orm][database]))
  writeFileSync(readme, withTable(readFileSync(readme, 'utf8'), table))
  console.log(`${Object.keys(SUITES).length} libraries on ${DATABASES.length} databases: ${readme}`)
} catch (error) {
  exitLike(error)
} finally {
  rmSync(report, { force: true })
}
