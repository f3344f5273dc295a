import { relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type LeakDetectedEvent, runWithContext } from '@connmgr/core'
import { parseFrame } from '@connmgr/core/driver'
import { endOnSignals, Ledger, MARIADB, MYSQL } from '@connmgr/testing'
import { LivePage } from './live-page.js'
import { Load } from './load.js'
import { PageWatch } from './page-watch.js'
import type { DemoResult, LeakResult } from './result.js'
import { Screen } from './screen.js'
import { type AnyManager, type Stage, sleep, until } from './stage.js'
import { type Claim, verdictOn } from './verdict.js'
import type { Workload } from './workloads/workload.js'

const ROOT = resolve(__dirname, '../../..')
const OWN_FOLDER = 'proof/demo'
const STEADY_MS = 2000

/** Loaded when they are needed: each stands on libraries of its own. */
const STAGES: Readonly<Record<string, () => Promise<Stage>>> = {
  postgresql: async () => new (await import('./postgresql/stage.js')).PostgresStage(),
  mysql: async () => new (await import('./mysql/stage.js')).MysqlStage(MYSQL),
  mariadb: async () => new (await import('./mysql/stage.js')).MysqlStage(MARIADB),
  sqlite: async () => new (await import('./sqlite/stage.js')).SqliteStage(),
}

const { values } = parseArgs({
  options: {
    db: { type: 'string', default: 'postgresql' },
    json: { type: 'boolean' },
    ui: { type: 'boolean' },
    picture: { type: 'string' },
  },
})
const json = values.json === true
const ui = values.ui === true
const screen = new Screen(json ? process.stderr : process.stdout)
const createStage = STAGES[values.db] ?? refuse(values.db)
/** Time to open the page, before the story begins. */
const OPEN_PAGE_MS = 15_000
/** What is to be ended with the process. */
let ending: Stage | undefined
let processCrashes = 0

function refuse(db: string): never {
  console.error(`--db must be one of ${Object.keys(STAGES).join(', ')}, but it is ${db}`)
  process.exit(1)
}

async function run(stage: Stage): Promise<DemoResult> {
  screen.heading(stage.heading)
  const { manager, workloads } = await stage.set(screen)
  const orms = workloads.map((each) => each.orm)
  const page = ui ? await LivePage.open(stage.heading.replace(/^\d+\. /, '')) : undefined
  const watch = await showPage(page)
  const ledger = new Ledger()
  const load = new Load(workloads, ledger, stage.failureOf)
  load.start()
  const ticker = setInterval(() => screen.status(statusLine(manager, ledger, load)), 200)
  try {
    screen.event(`${orms.join(', ')}: together 50 writes a second, and 15 reads`)
    await sleep(STEADY_MS)
    const leaks = await showLeaks(manager, workloads, stage.leaksAtOnce)
    screen.heading(stage.outageHeading)
    const failover = await stage.breakAndMend(workloads, load, screen)
    await sleep(STEADY_MS)
    await load.stop()
    const seen = await watch?.end()
    const result: DemoResult = {
      orms,
      leaks,
      failover,
      ledger: await ledger.check(stage.ledger),
      reads: load.reads,
      processCrashes,
      status: manager.getHealthStatus(),
      ...(seen === undefined ? {} : { page: seen }),
    }
    if (page !== undefined) await keepOpen(page)
    for (const workload of workloads) await workload.close()
    return result
  } finally {
    clearInterval(ticker)
    load.halt()
    await page?.close()
  }
}

/** Lets a person open the page, or else a browser of our own. */
async function showPage(page: LivePage | undefined): Promise<PageWatch | undefined> {
  if (page === undefined) return undefined
  screen.heading(`Live: ${page.url}`)
  if (json) return PageWatch.begin(page.url, values.picture)
  screen.event(`open it now: the story begins in ${OPEN_PAGE_MS / 1000} seconds`)
  await sleep(OPEN_PAGE_MS)
  return undefined
}

/** Leaves a person time to look, where there is one. */
async function keepOpen(page: LivePage): Promise<void> {
  if (json || process.stdin.isTTY !== true) return
  screen.event(`the page stays until you press Enter: ${page.url}`)
  await new Promise<void>((resolve) => process.stdin.once('data', () => resolve()))
  process.stdin.pause()
}

async function showLeaks(
  manager: AnyManager,
  workloads: readonly Workload[],
  atOnce: boolean,
): Promise<LeakResult[]> {
  screen.heading('2. A leak through each ORM')
  const results: LeakResult[] = []
  const detected = manager.on('leakDetected', (event) => {
    const leak = describeLeak(event)
    results.push(leak)
    screen.event(
      `leak through ${leak.orm}: ${leak.function} (${leak.file}:${leak.line}), held for ${leak.heldForMs} ms`,
      'yellow',
    )
    screen.line(`           last query: ${event.lease.lastQuery ?? 'none'}`)
  })
  for (const together of atOnce ? [workloads] : workloads.map((each) => [each])) {
    const before = results.length
    // The label tells the ORMs apart; who leaked is found from the stack.
    const mend = await Promise.all(
      together.map((each) => runWithContext({ label: each.orm }, () => each.leak())),
    )
    await until(() => results.length === before + together.length)
    for (const give of mend) await give()
  }
  detected()
  screen.event(`all given back: ${manager.getLeakStats().active} leaks left`, 'green')
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

function showVerdict(claims: readonly Claim[]): void {
  screen.heading('Verdict')
  for (const { ok, text, seen } of claims) screen.claim(ok, text, seen)
  const failed = claims.filter(({ ok }) => !ok).length
  const summary =
    failed === 0 ? 'All as promised.' : `${failed} of ${claims.length} not as promised.`
  screen.line(`\n${summary} All figures: npm run demo -- --json`)
}

function statusLine(manager: AnyManager, ledger: Ledger, load: Load): string {
  const { acknowledged, failed, unknown } = ledger.counts
  const { checkedOut, checkedIn, waiting } = manager.getPoolMetrics()
  const { state, activeEndpoint } = manager.getFailoverStatus()
  return (
    `${state} on ${activeEndpoint ?? 'no server'} | written ${acknowledged}, failed ${failed}, unknown ${unknown}, read ${load.reads.done} | ` +
    `${checkedOut} in use, ${checkedIn} idle, ${waiting} waiting`
  )
}

async function main(): Promise<number> {
  const stage = await createStage()
  ending = stage
  const result = await run(stage).finally(() => stage.clear())
  const claims = verdictOn(result, OWN_FOLDER, stage.promises)
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
endOnSignals(
  async () => ending?.clear(),
  (line) => screen.line(`\n${line}`),
)

main().then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    screen.line(error instanceof Error ? (error.stack ?? error.message) : String(error))
    process.exitCode = 1
  },
)
