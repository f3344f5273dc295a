import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'

/** A URL leads to a server of another cluster: it is never used, even when it is the only one that answers. */
export const scenario: Scenario = {
  id: 29,
  name: 'a server with another system identifier',
  async run(context) {
    const [own, foreign] = await Promise.all([context.cluster(), context.cluster()])
    const stranger = foreign.primary
    const service = await context.service({
      nodes: [own.primary, stranger],
      manager: { acquireTimeoutMs: 1000 },
    })
    const { load, manager, primary } = service
    const known = manager.getFailoverStatus().endpoints[1]
    context.expect(known?.state === 'QUARANTINED', `the stranger is ${known?.state}`)
    context.step('kill -9 of our own server')
    const crashedAt = now()
    await primary.crash()
    await context.until(
      () => load.failed('write', crashedAt).some(({ failure }) => failure === 'not-sent'),
      'writers have failed',
    )
    await context.sleep(1500)
    const [row] = await stranger.query<{ rows: number }>('select count(*)::int as rows from ledger')
    context.expect(row?.rows === 0, `${row?.rows} writes went to the other cluster`)
    const opened = manager.getPoolMetrics(service.endpointOf(stranger)).totalConnectionsCreated
    context.expect(opened === 0, `${opened} connections were opened to the other cluster`)
    context.step('our own server starts again')
    await primary.start()
    const startedAt = now()
    await service.writes(20)
    const measured = await service.finish(primary)
    return {
      detectionMs: service.detectionMs(primary, crashedAt),
      recoveredMs: service.recoveredMs(startedAt),
      writtenToStranger: row?.rows ?? Number.NaN,
      ...measured,
    }
  },
}
