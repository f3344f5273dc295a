import { Ledger } from '@connmgr/testing'
import { now } from '../../now.js'
import { measure } from '../measure.js'
import type { Scenario } from '../scenario.js'

const SUSPENDED_MS = 4000
const BOUND_MS = 5000

/**
 * While a process sleeps, a NAT forgets its connections and tells neither end. Whatever begins after the sleep must not
 * go out on one of them: it would hang for ever.
 */
export const scenario: Scenario = {
  id: 71,
  name: 'the process is suspended, and its sockets are forgotten without a word',
  group: 'wan',
  deadlineMs: 180_000,
  targets: { slowestMs: 2500 },
  async run(context) {
    const { nodes } = await context.cluster({ standbys: 1, synchronous: true })
    const proxies = await Promise.all(nodes.map((node) => context.proxy(node)))
    const ledger = new Ledger()
    const callers = await context.callers({
      name: 'sleeper',
      nodes: nodes.map((node, index) => ({
        url: () => node.url().replace(`:${node.port}/`, `:${proxies[index]?.port}/`),
      })),
      ledger,
    })
    let slowestMs = 0
    for (let round = 1; round <= 3; round += 1) {
      await callers.writes(20)
      context.step('SIGSTOP of the process; what stands between forgets its sockets')
      callers.signal('SIGSTOP')
      await context.sleep(200)
      for (const proxy of proxies) proxy.abandon()
      await context.sleep(SUSPENDED_MS)
      const wokenAt = now()
      callers.signal('SIGCONT')
      await callers.writes(20)
      await context.sleep(BOUND_MS)
      const begun = [
        ...callers.succeeded('write', wokenAt),
        ...callers.failed('write', wokenAt),
      ].filter(({ startedAt }) => startedAt >= wokenAt && startedAt < wokenAt + 1000)
      const failed = begun.filter(({ failure }) => failure !== undefined)
      context.expect(begun.length > 0, 'nothing began after the process went on')
      context.expect(
        failed.length === 0,
        `${failed.length} writes failed that began after the process went on: ${failed[0]?.message}`,
      )
      const latest = Math.max(
        ...begun.map(({ startedAt, endedAt }) => (endedAt ?? Number.NaN) - startedAt),
      )
      slowestMs = Math.max(slowestMs, latest)
    }
    const { closeMs, exitMs, crashes } = await callers.stop()
    // The servers do not know either.
    await Promise.all(proxies.map((proxy) => proxy.close()))
    const measured = await measure(context, ledger, callers, [nodes[0] as never], nodes)
    return { slowestMs, closeMs, exitMs, ...measured, processCrashes: crashes }
  },
}
