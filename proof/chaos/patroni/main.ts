// The program behind `npm run chaos:patroni`, which has checked the arguments.
import { parseArgs } from 'node:util'
import { Accidents } from '../../soak/src/accidents.js'
import { FAULTS, type Fault } from './faults.js'
import { installPrograms } from './lab/debian.js'
import { PatroniLab } from './lab/patroni-lab.js'
import { describeResults } from './report.js'
import { type Result, summarize } from './results.js'
import { type Round, runRound } from './round.js'
import { ROUTES, type Route } from './routes.js'

const QUICK_FAULTS = ['kill-database', 'switchover']

const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    only: { type: 'string' },
    routes: { type: 'string' },
    synchronous: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds ?? (values.quick ? 1 : 10))
const show = (line: string): void => {
  process.stderr.write(`${line}\n`)
}
const accidents = new Accidents()
let lab: PatroniLab | undefined
let stopping = false

function chosen<T extends Fault | Route>(all: readonly T[], names: string | undefined): T[] {
  const wanted = names?.split(',') ?? all.map((each) => each.name)
  const strange = wanted.filter((name) => !all.some((each) => each.name === name))
  if (strange.length > 0)
    throw new Error(
      `there is no ${strange.join(', ')}; there are ${all.map((each) => each.name).join(', ')}`,
    )
  return all.filter((each) => wanted.includes(each.name))
}

async function main(): Promise<void> {
  const faults = chosen(FAULTS, values.only ?? (values.quick ? QUICK_FAULTS.join(',') : undefined))
  const routes = chosen(ROUTES, values.routes)
  installPrograms(show)
  show('starting three servers under Patroni, etcd, HAProxy and PgBouncer')
  lab = await PatroniLab.start({ synchronous: values.synchronous })
  const results: Result[] = []
  for (const fault of faults) {
    const done: Round[] = []
    for (let round = 1; round <= rounds; round += 1) {
      show(`${fault.name}: ${fault.description} (round ${round} of ${rounds})`)
      done.push(await runRound(lab, fault, routes, show))
      show(`  ${describeRound(done.at(-1) as Round)}`)
    }
    results.push(...routes.map((route) => summarize(fault, route, done)))
  }
  await lab.close()
  const crashes = accidents.uncaught
  for (const report of accidents.reports) show(report)
  const ok = crashes === 0 && results.every((each) => each.ok)
  console.log(
    values.json ? JSON.stringify({ ok, crashes, results }) : describeResults(results, crashes),
  )
  process.exitCode = ok ? 0 : 1
}

function describeRound({ electionMs, routes }: Round): string {
  const each = Object.entries(routes).map(
    ([name, { gapMs, firstWriteMs, failed, unknown, lost, recovered }]) =>
      `${name} ${Math.round(gapMs)}${recovered ? '' : ' and not recovered'} (first ${Math.round(firstWriteMs ?? Number.NaN)}, failed ${Object.values(failed).reduce((sum, count) => sum + count, 0)}, unknown ${unknown}, lost ${lost})`,
  )
  return `new leader after ${Math.round(electionMs ?? Number.NaN)} ms; gaps: ${each.join(', ')}`
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
  void (lab?.close() ?? Promise.resolve()).finally(() => process.exit(code))
}

main().then(
  () => setTimeout(() => process.exit(), 5000).unref(),
  (error: unknown) => {
    // What fails because the servers are being stopped is not worth telling.
    if (stopping) return
    show(error instanceof Error ? (error.stack ?? error.message) : String(error))
    stop(1)
  },
)
