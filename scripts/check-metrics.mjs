// Has promtool judge what an application shows to Prometheus, and the alerting rules, which it also runs over time.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { exitLike, run } from './run.mjs'

try {
  await run(process.execPath, ['scripts/build.mjs'], { quiet: true })
  const { findPrometheus, PROMETHEUS_INSTALL_COMMAND } = await import('@connmgr/testing')
  const found = findPrometheus()
  if (found === undefined)
    console.log(
      `left out: there is no promtool here; install it with: ${PROMETHEUS_INSTALL_COMMAND}`,
    )
  else {
    await promtool(found.promtool, ['check', 'metrics'], await exposition())
    await promtool(found.promtool, ['check', 'rules', 'packages/prometheus/alerts.yml'])
    await promtool(found.promtool, ['test', 'rules', 'packages/prometheus/test/alerts.test.yml'])
  }
} catch (error) {
  exitLike(error)
}

/** The metrics of a primary and a standby, with each family in use. */
async function exposition() {
  const { startCluster } = await import('@connmgr/testing')
  const { createConnectionManager } = await import('@connmgr/pg')
  const { connmgrMetrics } = await import('@connmgr/prometheus')
  const cluster = await startCluster({ standbys: 1 })
  const [databaseUrl, ...failoverUrls] = cluster.nodes.map((node) => node.url())
  const manager = createConnectionManager({
    name: 'a "quoted" name',
    databaseUrl,
    failoverUrls,
    poolSize: 1,
    maxOverflow: 0,
    logger: false,
  })
  try {
    const metrics = connmgrMetrics(manager, { operationDuration: true })
    await manager.ready()
    await manager.checkHealth()
    await manager.pool.query('select 1')
    await manager.pool.query('select 1 / 0').catch(() => {})
    const lease = await manager.acquire()
    await manager.acquire({ timeoutMs: 10 }).catch(() => {})
    lease.destroy()
    return metrics.metrics()
  } finally {
    await manager.close({ drainTimeoutMs: 0 })
    await cluster.stop()
  }
}

async function promtool(program, args, input = '') {
  const child = spawn(program, args, { stdio: ['pipe', 'inherit', 'inherit'] })
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`promtool ${args.join(' ')} ended with ${code}`)
  const families = input.match(/^# TYPE /gm)?.length
  console.log(
    `promtool ${args.join(' ')}: no complaint${families === undefined ? '' : ` about ${families} families`}`,
  )
}
