import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { chartOf } from './chart.js'
import { resultOf, type SuiteResult, tableOf } from './report.js'
import type { Suite } from './suite.js'
import { burst } from './suites/burst.js'
import { health } from './suites/health.js'
import { hotPath } from './suites/hot-path.js'
import { insightsSuite } from './suites/insights.js'
import { leaks } from './suites/leaks.js'
import { mysql } from './suites/mysql.js'
import { prepared } from './suites/prepared.js'
import { probes } from './suites/probes.js'
import { processSuite } from './suites/process.js'
import { query } from './suites/query.js'
import { blow, restart } from './suites/recovery.js'
import { shared } from './suites/shared.js'
import { size } from './suites/size.js'
import { sqlite } from './suites/sqlite.js'
import { start } from './suites/start.js'
import { tenants } from './suites/tenants.js'
import { waiters } from './suites/waiters.js'

const SUITES: readonly Suite[] = [
  hotPath,
  waiters,
  burst,
  query,
  processSuite,
  mysql,
  sqlite,
  shared,
  prepared,
  start,
  health,
  probes,
  blow,
  restart,
  leaks,
  tenants,
  insightsSuite,
  size,
]
const ROOT = path.join(__dirname, '..', '..', '..')
const RESULTS = path.join(ROOT, 'proof', 'bench', 'results')
const PEERS = [
  'pg',
  'postgres',
  'mysql2',
  'better-sqlite3',
  'tarn',
  'generic-pool',
  'lightning-pool',
  'typeorm',
  'prisma',
  'drizzle-orm',
]
const ROUNDS = { quick: 3, full: 7 }

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      suite: { type: 'string', multiple: true },
    },
  })
  const chosen = SUITES.filter(
    ({ ifNamed, name }) => values.suite?.includes(name) ?? !(values.quick && ifNamed),
  )
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
    const start = performance.now()
    const cases = await suite.run({
      quick: values.quick,
      isNamed: values.suite !== undefined,
      rounds,
    })
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    suites[suite.name] = resultOf(suite, cases)
    say(`${tableOf(suite, cases)}\n  measured in ${seconds} s\n`)
    if (!values.quick) save(`${suite.name}.svg`, chartOf(suite, cases, machine))
  }
  const result = { machine, versions: versions(), quick: values.quick, suites }
  if (!values.quick) {
    save('results.json', `${JSON.stringify(withSaved(result), null, 2)}\n`)
  }
  if (values.json) await write(`${JSON.stringify(result)}\n`)
}

function versions(): Record<string, string> {
  const read = (name: string): string =>
    JSON.parse(readFileSync(path.join(ROOT, 'node_modules', name, 'package.json'), 'utf8')).version
  return {
    node: process.versions.node,
    ...Object.fromEntries(PEERS.map((name) => [name, read(name)])),
  }
}

interface Saved {
  /** By suite, where it was measured last. */
  readonly machines: Readonly<Record<string, string>>
  readonly suites: Readonly<Record<string, SuiteResult>>
}

/** A run of some suites leaves what is known of the others. */
function withSaved({ machine, suites, ...result }: Omit<Saved, 'machines'> & { machine: string }) {
  const file = path.join(RESULTS, 'results.json')
  const saved: Partial<Saved> = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
  const machines = Object.fromEntries(Object.keys(suites).map((name) => [name, machine]))
  return {
    ...result,
    machines: { ...saved.machines, ...machines },
    suites: { ...saved.suites, ...suites },
  }
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
