// Runs every example as its README says, and fails if one does.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, run } from './run.mjs'

const TIMEOUT_MS = 120_000
const only = process.argv.slice(2)
const folder = join(ROOT, 'examples')
const examples = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && (only.length === 0 || only.includes(entry.name)))
  .map((entry) => entry.name)

for (const example of examples) {
  const startedAt = performance.now()
  try {
    await run('npm', ['start', '--silent'], {
      cwd: join(folder, example),
      quiet: true,
      timeoutMs: TIMEOUT_MS,
    })
  } catch (error) {
    console.error(`example ${example} failed\n${error.message}`)
    process.exit(1)
  }
  console.log(`example ${example} ran in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
}
