import { alerts } from '../../src/alerts/alerts.js'
import type { WatchedManager } from '../../src/alerts/rule.js'
import { sinks } from '../../src/alerts/sinks.js'

// A program whose alert is under way to a receiver that never answers. It has nothing else to do, and so must end.
const nothing = { count: 0, sumMs: 0, buckets: [] }
const idle = { totalMs: 0, levels: [] }
const manager = {
  name: 'orders',
  closed: false,
  getPoolMetrics: () => ({ totalCheckouts: 0, failedCheckouts: 0, limit: 1 }),
  getHistograms: () => ({ wait: nothing, demand: idle, unmetDemand: idle }),
  getHolders: () => [],
  getFailoverStatus: () => ({ state: 'STEADY', history: [] }),
} as unknown as WatchedManager

const watching = alerts({
  managers: manager,
  rules: [{ name: 'Always', when: () => true }],
  sinks: [sinks.webhook(process.argv[2] as string), () => new Promise(() => {})],
  onProblem: ({ message }) => process.stdout.write(`${message}\n`),
})
watching.evaluate()
process.on('exit', () => process.stdout.write('ended by itself'))
// Alive until the request has come in; the test closes stdin then.
process.stdin.resume()
