// The program behind `npm run chaos -- --peers`, which has checked the arguments.
import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { loadLine } from '../machine-load.js'
import { MissingProgramsError } from '../missing-programs.js'
import type { Peer } from './client.js'
import { type Fault, FULL, QUICK } from './fault.js'
import type { Outcome } from './outcome.js'
import { loadPeerDatabase, type PeerDatabase, type PeerDatabaseName } from './peer-database.js'
import { runRound } from './round.js'
import { overviewOf, type Summary, summarize, tableOf } from './summary.js'

const MODULES = path.join(__dirname, '..', '..', '..', '..', 'node_modules')

const { values } = parseArgs({
  options: {
    peers: { type: 'boolean' },
    db: { type: 'string', default: 'postgresql' },
    rounds: { type: 'string', default: '1' },
    client: { type: 'string' },
    fault: { type: 'string' },
    parallel: { type: 'string', default: '1' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const show = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

interface Job {
  readonly peer: Peer
  readonly fault: Fault
  readonly outcomes: Outcome[]
}

async function main(): Promise<void> {
  const database = await loadPeerDatabase(values.db as PeerDatabaseName)
  const haproxy = database.routerVersion?.()
  const peers = chosen(database.peers, values.client, 'client').filter(({ route, title }) => {
    if (route !== 'haproxy' || haproxy !== undefined) return true
    show(`${title} is left out: there is no haproxy here (apt-get install haproxy)`)
    return false
  })
  const faults = chosen(database.faults, values.fault, 'fault')
  database.prepare(show)
  const jobs: Job[] = faults.flatMap((fault) =>
    peers.map((peer) => ({ peer, fault, outcomes: [] })),
  )
  const rounds = Number(values.rounds)
  // All clients and faults in each round, so that a busy minute of the machine does not hit one client alone.
  const queue = Array.from({ length: rounds }, () => jobs).flat()
  const total = queue.length
  let done = 0
  await Promise.all(
    Array.from({ length: Number(values.parallel) }, async () => {
      for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
        const outcome = await runRound(database, job.peer, job.fault, values.quick ? QUICK : FULL)
        job.outcomes.push(outcome)
        done += 1
        show(`${done}/${total} ${job.fault.name} ${job.peer.name}: ${brief(outcome)}`)
      }
    }),
  )
  const summaries = jobs.map(({ peer, fault, outcomes }) =>
    summarize(fault.name, peer.name, outcomes),
  )
  const machine = `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`
  const result = {
    machine,
    load: loadLine(),
    versions: versions(database, haproxy, await serverVersion(database)),
    quick: values.quick,
    rounds,
    summaries,
  }
  console.log(values.json ? JSON.stringify(result) : describe(database, summaries, faults, result))
}

function describe(
  { peers }: PeerDatabase,
  summaries: readonly Summary[],
  faults: readonly Fault[],
  about: {
    readonly machine: string
    readonly load: string
    readonly versions: Record<string, string>
  },
): string {
  const titleOf = (client: string): string =>
    peers.find(({ name }) => name === client)?.title ?? client
  const versionText = Object.entries(about.versions).map(([name, version]) => `${name} ${version}`)
  return [
    `${about.machine}; ${versionText.join(', ')}`,
    about.load,
    `medians of ${values.rounds} rounds; lost and duplicated are the worst round`,
    '',
    overviewOf(summaries, titleOf),
    ...faults.flatMap(({ name, title }) => [
      '',
      `${name}: ${title}`,
      '',
      tableOf(
        summaries.filter(({ fault }) => fault === name),
        titleOf,
      ),
    ]),
  ].join('\n')
}

function brief(outcome: Outcome): string {
  const {
    gapMs,
    firstWriteMs,
    failed,
    unknown,
    failedButWritten,
    recovered,
    crashes,
    lost,
    duplicated,
  } = outcome
  return (
    `gap ${Math.round(gapMs)} ms, first write ${Math.round(firstWriteMs)} ms, failed ${failed} (${failedButWritten} written), unknown ${unknown}, ` +
    `recovered ${recovered}, crashes ${crashes}, lost ${lost}, duplicated ${duplicated}; ` +
    Object.entries(outcome.errors)
      .map(([name, count]) => `${count} × ${name}`)
      .join(', ')
  )
}

function chosen<T extends { readonly name: string }>(
  all: readonly T[],
  names: string | undefined,
  what: string,
): readonly T[] {
  if (names === undefined) return all
  return names.split(',').map((name) => {
    const found = all.find((each) => each.name === name)
    if (found !== undefined) return found
    const known = all.map((each) => each.name).join(', ')
    throw new Error(`there is no ${what} ${name}; there are ${known}`)
  })
}

async function serverVersion(database: PeerDatabase): Promise<string> {
  const cluster = await database.startCluster()
  try {
    return await database.versionOf(cluster.primary)
  } finally {
    await cluster.stop()
  }
}

function versions(
  { libraries, name: database }: PeerDatabase,
  haproxy: string | undefined,
  server: string,
): Record<string, string> {
  const read = (name: string): string =>
    JSON.parse(readFileSync(path.join(MODULES, name, 'package.json'), 'utf8')).version
  return {
    node: process.versions.node,
    [database]: server,
    ...Object.fromEntries(libraries.map((name) => [name, read(name)])),
    ...(haproxy === undefined ? {} : { haproxy }),
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    show(error instanceof Error ? error.message : String(error))
    process.exit(error instanceof MissingProgramsError ? MissingProgramsError.EXIT_CODE : 1)
  },
)
