import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { chartOf } from './chart.js'
import { resultOf, type SuiteResult, tableOf } from './report.js'
import type { Suite } from './suite.js'
import { burst } from './suites/burst.js'
import { hotPath } from './suites/hot-path.js'
import { query } from './suites/query.js'
import { shared } from './suites/shared.js'
import { waiters } from './suites/waiters.js'

const SUITES: readonly Suite[] = [hotPath, waiters, burst, query, shared]
const RESULTS = path.join(__dirname, '..', 'results')
const ROUNDS = { quick: 3, full: 7 }

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      suite: { type: 'string', multiple: true },
    },
  })
  const chosen = SUITES.filter(({ name }) => values.suite?.includes(name) ?? true)
  if (chosen.length === 0) {
    throw new Error(`--suite must be one of ${SUITES.map(({ name }) => name).join(', ')}`)
  }
  // With --json, stdout is for the one JSON object alone.
  const say = values.json ? console.error : console.log
  const machine = `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
  say(`${machine}\nmedians of interleaved rounds; a ratio below 1 means that we are faster\n`)
  // Some pools wait on timers that do not keep a process alive.
  setInterval(() => {}, 1000)
  const suites: Record<string, SuiteResult> = {}
  for (const suite of chosen) {
    const rounds = values.quick ? ROUNDS.quick : ROUNDS.full
    const cases = await suite.run({ quick: values.quick, rounds })
    suites[suite.name] = resultOf(suite, cases)
    say(`${tableOf(suite, cases)}\n`)
    if (!values.quick) save(`${suite.name}.svg`, chartOf(suite, cases, machine))
  }
  const result = { machine, versions: process.versions.node, quick: values.quick, suites }
  if (!values.quick) save('results.json', `${JSON.stringify(result, null, 2)}\n`)
  if (values.json) await write(`${JSON.stringify(result)}\n`)
}

async function write(text: string): Promise<void> {
  await new Promise((resolve) => process.stdout.write(text, resolve))
}

function save(name: string, content: string): void {
  mkdirSync(RESULTS, { recursive: true })
  writeFileSync(path.join(RESULTS, name), content)
}

// What contenders have left open would keep the process alive.
main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error)
    process.exit(1)
  },
)
