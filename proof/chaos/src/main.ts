// The program behind `npm run chaos`, which has checked the arguments.
import { parseArgs } from 'node:util'
import { slowness } from '@connmgr/testing'
import { Accidents } from '../../soak/src/accidents.js'
import { type Database, type DatabaseName, loadDatabase, MissingProgramsError } from './database.js'
import { loadLine } from './machine-load.js'
import { describeResults } from './report.js'
import { Runner } from './runner.js'
import type { Scenario, ScenarioResult } from './scenario.js'

const { values } = parseArgs({
  options: {
    db: { type: 'string', default: 'postgresql' },
    only: { type: 'string' },
    repeat: { type: 'string', default: '1' },
    orm: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const show = (line: string): void => {
  process.stderr.write(`${line}\n`)
}
const accidents = new Accidents()
let cleanUp = async (): Promise<void> => {}
let stopping = false

/** @param usual whether the load goes through what it goes through by default */
function chosen({ scenarios }: Database, usual: boolean): readonly Scenario[] {
  const only = values.only?.split(',')
  const isNamed = (each: Scenario, name: string): boolean =>
    name === each.group || Number(name) === each.id
  const unknown = only?.filter((name) => !scenarios.some((each) => isNamed(each, name))) ?? []
  if (unknown.length > 0) {
    const known = scenarios.map((each) => each.id).join(', ')
    const groups = [...new Set(scenarios.flatMap((each) => each.group ?? []))].join(', ')
    throw new Error(
      `there is no scenario ${unknown.join(', ')}; there are ${known}${groups && `, and the groups ${groups}`}`,
    )
  }
  return scenarios.filter((each) => {
    if (only !== undefined) return only.some((name) => isNamed(each, name))
    if (values.quick && each.quick !== true) return false
    return usual || each.throughOrm !== false
  })
}

function ormOf({ orms }: Database): string {
  const { orm = orms[0] } = values
  if (orms.includes(orm)) return orm
  throw new Error(`--orm must be one of ${orms.join(', ')} with --db ${values.db}; it is "${orm}"`)
}

async function main(): Promise<void> {
  const database = await loadDatabase(values.db as DatabaseName)
  const orm = ormOf(database)
  const scenarios = chosen(database, orm === database.orms[0])
  database.prepare(show)
  const runner = new Runner({
    createContext: (tell) => database.createContext(orm, tell),
    repeat: Number(values.repeat),
    show,
    slowness,
    accidents,
  })
  cleanUp = () => runner.cleanUp()
  const results: ScenarioResult[] = []
  for (const scenario of scenarios) results.push(await runner.run(scenario))
  const load = loadLine()
  show(`\n${load}`)
  console.log(
    values.json
      ? JSON.stringify({ database: values.db, load, scenarios: results })
      : `\n${describeResults(results)}`,
  )
  process.exitCode = results.every((each) => each.ok) ? 0 : 1
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    show(`${signal}: stopping the servers`)
    stop(signal === 'SIGINT' ? 130 : 143)
  })
}
// Whoever read our output has gone, as `head` does.
for (const stream of [process.stdout, process.stderr]) stream.once('error', () => stop(1))

function stop(code: number): void {
  stopping = true
  void cleanUp().finally(() => process.exit(code))
}

main().then(
  // Said, not left to the event loop: a round that was given up may have left something open, and Node 20 may spin for
  // ever while it tears down sockets that a dead server has left behind.
  () => process.stdout.write('', () => process.exit()),
  (error: unknown) => {
    // What fails because the servers are being stopped is not worth telling.
    if (stopping) return
    show(error instanceof Error ? error.message : String(error))
    process.exit(error instanceof MissingProgramsError ? MissingProgramsError.EXIT_CODE : 1)
  },
)
