// Checks the types of everything that the build leaves out: tests, type tests, examples.
import { run, runBin } from './run.mjs'

try {
  await run(process.execPath, ['scripts/build.mjs'])
  await run('npm', ['run', 'generate', '--workspaces', '--if-present', '--silent'])
  await runBin('tsc', ['-p', 'tsconfig.test.json'])
} catch (error) {
  process.exit(error.exitCode ?? 1)
}
