import { relative, resolve } from 'node:path'
import { type LeakDetectedEvent, runWithContext } from '@connmgr/core'
import { parseFrame } from '@connmgr/core/driver'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { type PostgresCluster, startCluster } from '@connmgr/testing'
import { createLogger } from '@connmgr/winston'
import { startDrizzle } from './drizzle-workload.js'
import { LEDGER_TABLE, Ledger } from './ledger.js'
import { Load } from './load.js'
import { startPrisma } from './prisma-workload.js'
import type { DemoResult, FailoverResult, LeakResult } from './result.js'
import { Screen } from './screen.js'
import { startTypeorm } from './typeorm-workload.js'
import { type Claim, verdictOn } from './verdict.js'
import type { Workload } from './workload.js'

const ROOT = resolve(__dirname, '../..')
const OWN_FOLDER = 'demo'
const LEAK_THRESHOLD_MS = 800
const OUTAGE_MS = 1500
const STEADY_MS = 2000
const LONGEST_WAIT_MS = 20_000

const json = process.argv.includes('--json')
const screen = new Screen(json ? process.stderr : process.stdout)
let processCrashes = 0
let cluster: PostgresCluster | undefined
let manager: PgConnectionManager | undefined

function createManager(servers: PostgresCluster): PgConnectionManager {
  return createConnectionManager({
    name: 'demo',
    databaseUrl: servers.primary.url(),
    failoverUrls: servers.standbys.map((standby) => standby.url()),
    poolSize: 5,
    maxOverflow: 10,
    leakDetection: { thresholdMs: LEAK_THRESHOLD_MS, captureStack: 'always' },
    failover: { failbackStableMs: 1000, failbackSuccesses: 3 },
    // The demo tells its story itself; errors would still show.
    logger: createLogger({ level: 'error' }),
  })
}

async function run(): Promise<DemoResult> {
  screen.heading('1. Two servers and three ORMs, one manager')
  screen.event('making two PostgreSQL servers in a temporary directory')
  cluster = await startCluster({ standbys: 1, synchronous: true })
  await cluster.primary.query(LEDGER_TABLE)
  screen.event(
    `PostgreSQL primary on port ${cluster.primary.port}, streaming standby on port ${cluster.standbys[0]?.port}`,
  )
  manager = createManager(cluster)
  const workloads = [
    await startTypeorm(manager),
    await startPrisma(manager),
    await startDrizzle(manager),
  ]
  const ledger = new Ledger()
  const load = new Load(workloads, ledger)
  load.start()
  const ticker = setInterval(() => screen.status(statusLine(ledger, load)), 200)
  try {
    screen.event('TypeORM, Prisma and Drizzle write 50 rows a second and read 15 times a second')
    await sleep(STEADY_MS)
    const leaks = await showLeaks(workloads)
    const failover = await showFailover(cluster, workloads, load)
    await sleep(STEADY_MS)
    await load.stop()
    const result: DemoResult = {
      orms: workloads.map((each) => each.orm),
      leaks,
      failover,
      ledger: await ledger.check(cluster.primary),
      reads: load.reads,
      processCrashes,
      status: manager.getHealthStatus(),
    }
    for (const workload of workloads) await workload.close()
    return result
  } finally {
    clearInterval(ticker)
  }
}

async function showLeaks(workloads: readonly Workload[]): Promise<LeakResult[]> {
  screen.heading('2. A leak through each ORM')
  const results: LeakResult[] = []
  const detected = (manager as PgConnectionManager).on('leakDetected', (event) => {
    const leak = describeLeak(event)
    results.push(leak)
    screen.event(
      `leak through ${leak.orm}: ${leak.function} (${leak.file}:${leak.line}), held for ${leak.heldForMs} ms`,
      'yellow',
    )
    screen.line(`           last query: ${event.lease.lastQuery ?? 'none'}`)
  })
  // The label tells the three apart; who leaked is found from the stack.
  const mend = await Promise.all(
    workloads.map((each) => runWithContext({ label: each.orm }, () => each.leak())),
  )
  await until(() => results.length === workloads.length)
  detected()
  for (const give of mend) await give()
  screen.event(
    `all three given back: ${(manager as PgConnectionManager).getLeakStats().active} leaks left`,
    'green',
  )
  return results
}

function describeLeak({ lease }: LeakDetectedEvent): LeakResult {
  const site = parseFrame(`at ${lease.checkedOutBy}`)
  return {
    orm: lease.label ?? 'unknown',
    file: relative(ROOT, site?.file ?? ''),
    line: site?.line ?? 0,
    function: site?.functionName ?? 'unknown',
    heldForMs: Math.round(lease.heldForMs),
  }
}

async function showFailover(
  servers: PostgresCluster,
  workloads: readonly Workload[],
  load: Load,
): Promise<FailoverResult> {
  screen.heading('3. The primary crashes')
  const connections = manager as PgConnectionManager
  const oldPrimary = servers.primary
  const standby = servers.standbys[0] as (typeof servers.standbys)[number]
  let detectedAt: number | undefined
  connections.on('failoverStarted', () => {
    detectedAt ??= performance.now()
    screen.event('crash detected: writers wait, readers go on', 'yellow')
  })
  connections.on('failoverCompleted', ({ endpoint }) =>
    screen.event(`the manager follows to ${endpoint}`, 'green'),
  )
  const crashAt = new Date().toISOString()
  const crashedAt = performance.now()
  screen.event(`kill -9 of the primary on port ${oldPrimary.port} and all its processes`, 'red')
  await oldPrimary.crash()
  await sleep(OUTAGE_MS)
  await standby.promote()
  const promotedAt = performance.now()
  screen.event(`standby on port ${standby.port} promoted`)
  await until(() => workloads.every(({ orm }) => load.firstAfter(orm, promotedAt) !== undefined))
  screen.event('all three ORMs write again, in the same process, on the same objects', 'green')
  await oldPrimary.rebuildAsStandbyOf(standby)
  const rebuiltAt = performance.now()
  screen.event(`old primary rebuilt: port ${oldPrimary.port} is a standby now`)
  await until(() => connections.getFailoverStatus().endpoints.every((each) => each.state === 'UP'))
  screen.event('trusted again: it serves reads', 'green')
  const since = (at: number, from: number): number => Math.round((at - from) * 10) / 10
  return {
    crashAt,
    detectedAfterMs: since(detectedAt ?? Number.NaN, crashedAt),
    promotedAfterMs: since(promotedAt, crashedAt),
    firstWriteAfterPromotionMs: Object.fromEntries(
      workloads.map(({ orm }) => {
        const at = load.firstAfter(orm, promotedAt)
        return [orm, at === undefined ? null : since(at, promotedAt)]
      }),
    ),
    rebuiltAfterMs: since(rebuiltAt, crashedAt),
  }
}

function showVerdict(claims: readonly Claim[]): void {
  screen.heading('Verdict')
  for (const { ok, text, seen } of claims) screen.claim(ok, text, seen)
  const failed = claims.filter(({ ok }) => !ok).length
  const summary =
    failed === 0 ? 'All as promised.' : `${failed} of ${claims.length} not as promised.`
  screen.line(`\n${summary} All figures: npm run demo -- --json`)
}

function statusLine(ledger: Ledger, load: Load): string {
  const { acknowledged, failed, unknown } = ledger.counts
  const { checkedOut, checkedIn, waiting } = (manager as PgConnectionManager).getPoolMetrics()
  const { state, activeEndpoint } = (manager as PgConnectionManager).getFailoverStatus()
  return (
    `${state} on ${activeEndpoint ?? 'no server'} | written ${acknowledged}, failed ${failed}, unknown ${unknown}, read ${load.reads.done} | ` +
    `${checkedOut} in use, ${checkedIn} idle, ${waiting} waiting`
  )
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + LONGEST_WAIT_MS
  while (!condition()) {
    // What has not happened by then shows in the result, and in the exit code.
    if (performance.now() > deadline) return
    await sleep(10)
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

async function cleanUp(): Promise<void> {
  await manager?.close({ drainTimeoutMs: 1000 })
  await cluster?.stop()
}

async function main(): Promise<number> {
  const result = await run().finally(cleanUp)
  const claims = verdictOn(result, OWN_FOLDER)
  showVerdict(claims)
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`)
  return claims.every(({ ok }) => ok) ? 0 : 1
}

process.on('uncaughtException', (error) => {
  processCrashes += 1
  screen.line(`uncaught: ${error.stack ?? error.message}`)
})
process.on('unhandledRejection', (reason) => {
  processCrashes += 1
  screen.line(`unhandled: ${reason instanceof Error ? reason.stack : String(reason)}`)
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    screen.line(`\n${signal}: stopping the servers`)
    stop(signal === 'SIGINT' ? 130 : 143)
  })
}
// Whoever read our output has gone, as `head` does.
for (const stream of [process.stdout, process.stderr]) stream.once('error', () => stop(1))

function stop(code: number): void {
  void cleanUp().finally(() => process.exit(code))
}

main().then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    screen.line(error instanceof Error ? (error.stack ?? error.message) : String(error))
    process.exitCode = 1
  },
)
