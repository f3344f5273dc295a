// The tests: makes what they need, runs jest, and ends with a line that counts them. Arguments go to jest.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exitLike, ROOT, run, runBin, runNpm } from './run.mjs'

const folder = mkdtempSync(join(tmpdir(), 'connmgr-tests-'))
const counts = join(folder, 'counts.txt')
let failure
try {
  // For the tests that run programs as processes of their own, which see the packages as users do.
  await run(process.execPath, ['scripts/build.mjs'], { quiet: true })
  await runNpm(['run', 'generate', '--workspace=@connmgr/prisma', '--silent'])
  // Ours come last: jest would take file patterns after them for reporters.
  const reporters = ['default', join(ROOT, 'scripts', 'closing-line-reporter.cjs')]
  await runBin(
    'jest',
    [...process.argv.slice(2), ...reporters.map((each) => `--reporters=${each}`)],
    {
      env: { CONNMGR_TEST_COUNTS: counts },
    },
  )
} catch (error) {
  failure = error
}
const line = read(counts)
rmSync(folder, { recursive: true, force: true })
if (line !== undefined) console.log(`\n${line}`)
if (failure !== undefined) exitLike(failure)

/** Nothing if jest ended before it could count. */
function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}
