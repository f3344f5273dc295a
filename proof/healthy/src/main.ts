// The program behind `npm run healthy`, which has checked the arguments.
import { parseArgs } from 'node:util'
import { insights } from '@connmgr/insights'
import { createConnectionManager } from '@connmgr/pg'
import { endOnSignals, startCluster } from '@connmgr/testing'
import { Application } from './application.js'
import { Jobs } from './jobs.js'
import { Load } from './load.js'
import { TABLES } from './tables.js'
import { VerdictWatch } from './verdict-watch.js'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    rate: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
  },
})

async function main(): Promise<void> {
  const cluster = await startCluster({
    settings: { idle_in_transaction_session_timeout: '60s' },
  })
  endOnSignals(
    () => cluster.stop(),
    (line) => process.stderr.write(`${line}\n`),
  )
  try {
    for (const statement of TABLES.split(';')) await cluster.primary.query(statement)
    const manager = createConnectionManager({
      databaseUrl: cluster.primary.url(),
      name: 'shop',
      // Enough for its bursts: connections above poolSize are opened and closed with each.
      poolSize: 15,
      logger: false,
    })
    const watched = insights(manager, { plans: true })
    const application = await Application.start(manager)
    const failures: string[] = []
    const jobs = new Jobs(manager, watched, (error) => failures.push(`job: ${String(error)}`))
    await jobs.start()
    const watch = new VerdictWatch(manager, watched)
    const load = new Load(application, Number(values.rate))
    const startedAt = performance.now()
    await load.run(Number(values.seconds) * 1000)
    await jobs.stop()
    await watch.end()
    const { fingerprints, statements, transactions } = watched.snapshot().totals
    const result = {
      seconds: Math.round((performance.now() - startedAt) / 1000),
      endpoints: load.answers.size,
      answers: [...load.answers.values()].reduce((sum, each) => sum + each, 0),
      jobs: jobs.done,
      notifications: jobs.notified,
      statements,
      fingerprints,
      transactions,
      looks: watch.looks,
      failures: [...failures, ...load.failures],
      verdicts: watch.verdicts,
    }
    await application.close()
    await watched.close()
    await manager.close()
    const ok =
      result.verdicts.length === 0 &&
      result.failures.length === 0 &&
      result.endpoints === application.endpoints.length &&
      result.jobs > 0 &&
      result.notifications > 0
    console.log(JSON.stringify({ ok, ...result }, null, values.json ? undefined : 2))
    process.exitCode = ok ? 0 : 1
  } finally {
    await cluster.stop()
  }
}

main().catch((error: unknown) => {
  console.error(error)
  process.exit(1)
})
