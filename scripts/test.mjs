// The tests: generates what they need, runs jest, and ends with a line that counts. Arguments go to jest.
import { join } from 'node:path'
import { ROOT, run, runBin } from './run.mjs'

try {
  await run('npm', ['run', 'generate', '--workspace=@connmgr/prisma', '--silent'])
  await runBin('jest', [
    '--reporters=default',
    `--reporters=${join(ROOT, 'scripts', 'closing-line-reporter.cjs')}`,
    ...process.argv.slice(2),
  ])
} catch (error) {
  process.exit(error.exitCode ?? 1)
}
