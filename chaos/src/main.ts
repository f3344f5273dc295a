// The program behind `npm run chaos`, which has checked the arguments.
import { parseArgs } from 'node:util'
import { Accidents } from '../../soak/src/accidents.js'
import type { Orm } from './orms.js'
import { describeResults } from './report.js'
import { Runner } from './runner.js'
import type { Scenario, ScenarioResult } from './scenario.js'
import { SCENARIOS } from './scenarios/index.js'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    repeat: { type: 'string', default: '1' },
    orm: { type: 'string', default: 'pg' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const show = (line: string): void => {
  process.stderr.write(`${line}\n`)
}
const orm = values.orm as Orm
const runner = new Runner({
  orm,
  repeat: Number(values.repeat),
  show,
  accidents: new Accidents(),
})
let stopping = false

function chosen(): readonly Scenario[] {
  const only = values.only?.split(',')
  const isNamed = (each: Scenario, name: string): boolean =>
    name === each.group || Number(name) === each.id
  const unknown = only?.filter((name) => !SCENARIOS.some((each) => isNamed(each, name))) ?? []
  if (unknown.length > 0) {
    const known = SCENARIOS.map((each) => each.id).join(', ')
    const groups = [...new Set(SCENARIOS.flatMap((each) => each.group ?? []))].join(', ')
    throw new Error(
      `there is no scenario ${unknown.join(', ')}; there are ${known}, and the groups ${groups}`,
    )
  }
  return SCENARIOS.filter((each) => {
    if (only !== undefined) return only.some((name) => isNamed(each, name))
    if (values.quick && each.quick !== true) return false
    return orm === 'pg' || each.throughOrm !== false
  })
}

async function main(): Promise<void> {
  const results: ScenarioResult[] = []
  for (const scenario of chosen()) results.push(await runner.run(scenario))
  console.log(
    values.json ? JSON.stringify({ scenarios: results }) : `\n${describeResults(results)}`,
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
  void runner.cleanUp().finally(() => process.exit(code))
}

main().then(
  // Said, not left to the event loop: a round that was given up may have left something open, and Node 20 may spin for
  // ever while it tears down sockets that a dead server has left behind.
  () => process.stdout.write('', () => process.exit()),
  (error: unknown) => {
    // What fails because the servers are being stopped is not worth telling.
    if (stopping) return
    show(error instanceof Error ? error.message : String(error))
    process.exit(1)
  },
)
