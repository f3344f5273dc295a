import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'

/** One host swallows every connect, from the start on. No caller of another host is delayed by it. */
export const scenario: Scenario = {
  id: 14,
  name: 'connects to one standby vanish in a black hole',
  async run(context) {
    const cluster = await context.cluster({ standbys: 2, synchronous: true })
    const [primary, standby, hidden] = cluster.nodes
    if (primary === undefined || standby === undefined || hidden === undefined)
      throw new Error('there are too few servers')
    const proxy = await context.proxy(hidden)
    proxy.blackHole()
    const hole = hidden.url().replace(`:${hidden.port}/`, `:${proxy.port}/`)
    const urls = { databaseUrl: primary.url(), failoverUrls: [hole, standby.url()] }
    const startedAt = now()
    const first = context.manager(urls)
    await first.pool.query('select 1')
    const firstQueryMs = now() - startedAt
    await first.close()
    context.expect(firstQueryMs < 900, `the first query took ${firstQueryMs} ms`)
    const service = await context.service({
      nodes: [primary, standby],
      manager: urls,
    })
    context.step('callers work for three seconds')
    await context.sleep(3000)
    context.step('the hole is closed')
    const healedAt = now()
    await proxy.heal()
    const endpoint = `${proxy.host}:${proxy.port}/postgres`
    await context.until(
      () => service.recorder.reached(endpoint, ['UP', 'PROBATION'], healedAt) !== undefined,
      'the hidden standby is known',
    )
    const foundMs =
      (service.recorder.reached(endpoint, ['UP', 'PROBATION'], healedAt) ?? Number.NaN) - healedAt
    const measured = await service.finish(primary)
    const failed = service.load.failed('write').length + service.load.failed('read').length
    context.expect(failed === 0, `${failed} operations failed`)
    context.expect(
      service.load.longestGapMs < 500,
      `writers paused for ${service.load.longestGapMs} ms`,
    )
    return { firstQueryMs, foundMs, ...measured }
  },
}
