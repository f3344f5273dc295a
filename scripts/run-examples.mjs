// Runs every example as its README says, or those that are named, and fails if one does.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { atOnce } from './at-once.mjs'
import { exitLike, ROOT, runNpm } from './run.mjs'

const TIMEOUT_MS = 120_000
const folder = join(ROOT, 'examples')
const named = process.argv.slice(2)
const examples = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
const unknown = named.filter((name) => !examples.includes(name))
if (unknown.length > 0) {
  console.error(`no such example: ${unknown.join(', ')}; there are ${examples.join(', ')}`)
  process.exit(1)
}

await atOnce(named.length > 0 ? named : examples, async (example) => {
  const startedAt = performance.now()
  await runNpm(['start', '--silent'], {
    cwd: join(folder, example),
    quiet: true,
    timeoutMs: TIMEOUT_MS,
  }).catch((error) => {
    console.error(`example ${example} failed`)
    throw error
  })
  console.log(`example ${example} ran in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
}).catch(exitLike)
