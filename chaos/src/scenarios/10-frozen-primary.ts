import { now } from '../now.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

/** Nothing is closed and nobody answers: only deadlines tell, and whoever hangs on a socket must be freed by them. */
export const scenario: Scenario = {
  id: 10,
  name: 'all processes of the primary are stopped (SIGSTOP)',
  quick: true,
  targets: { downMs: 1100, hungMs: 1100, firstWriteMs: 300 },
  async run(context) {
    const service = await context.service()
    const { load, primary, recorder, standby } = service
    const endpoint = service.endpointOf(primary)
    context.step('SIGSTOP of all processes')
    const frozenAt = now()
    await primary.freeze()
    await context.until(
      () => recorder.reached(endpoint, ['DOWN'], frozenAt) !== undefined,
      'the primary is down',
    )
    const downAt = recorder.reached(endpoint, ['DOWN'], frozenAt) ?? Number.NaN
    await context.sleep(200)
    const holders = service.manager.getHolders().filter(({ heldForMs }) => heldForMs > 500)
    context.expect(holders.length === 0, `${holders.length} callers still hang on the dead server`)
    context.step('the standby is promoted')
    const promotedAt = now()
    const visibleAt = await promote(standby)
    await service.writes(20)
    const hung = load.failed('write', frozenAt)
    context.expect(
      service.ledger.countOf('not-sent') === 0,
      'callers failed that waited for a connection',
    )
    const firstWriteMs = Math.max(0, service.firstWriteMs(promotedAt) - (visibleAt - promotedAt))
    context.step('the old primary wakes up')
    await primary.thaw()
    await context.until(
      () => recorder.reached(endpoint, ['FENCED'], promotedAt) !== undefined,
      'the old primary is fenced',
    )
    await service.writes(10)
    const figures = await service.finish(standby)
    return {
      detectionMs: service.detectionMs(primary, frozenAt),
      downMs: downAt - frozenAt,
      hungMs: Math.max(0, ...hung.map(({ endedAt = Number.NaN }) => endedAt - frozenAt)),
      firstWriteMs,
      ...figures,
    }
  },
}
