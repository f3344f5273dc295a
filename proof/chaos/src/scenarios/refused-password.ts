import { now } from '../now.js'
import type { RoundContext } from '../round-context.js'
import type { Measurements } from '../scenario.js'
import type { ServerNode } from '../server-node.js'
import type { AnyManager, ClusterService } from '../service.js'

/** That the manager logs in with at one standby. */
export const WRONG_PASSWORD = 'wrong'

/** One standby refuses the password: it is quarantined, and the others are found all the same. */
export async function surviveRefusal<N extends ServerNode>(
  context: RoundContext,
  service: ClusterService<N, AnyManager>,
  refusing: N,
): Promise<Measurements> {
  const { manager, primary, recorder, standby } = service
  const expectQuarantine = (): void => {
    const { endpoints } = manager.getFailoverStatus()
    const state = endpoints.find((each) => each.id === service.endpointOf(refusing))?.state
    context.expect(state === 'QUARANTINED', `the standby that refuses is ${state}`)
  }
  expectQuarantine()
  context.step('kill -9 of the primary, the other standby is promoted')
  const crashedAt = now()
  await primary.crash()
  const promotion = await service.promote(standby)
  await service.writes(20)
  expectQuarantine()
  context.expect(
    !JSON.stringify(recorder.events).includes(WRONG_PASSWORD),
    'an event has the password',
  )
  const measured = await service.finish(standby)
  service.expectNoFailedAcquire()
  return {
    detectionMs: service.detectionMs(primary, crashedAt),
    firstWriteMs: service.firstWriteMs(promotion),
    ...measured,
  }
}
