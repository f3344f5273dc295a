import { now } from '../now.js'
import type { RoundContext } from '../round-context.js'
import type { Measurements } from '../scenario.js'
import type { ServerNode } from '../server-node.js'
import type { AnyManager, ClusterService } from '../service.js'

/**
 * The same server is back after a moment: callers wait for it, no caller moves, and what was in flight is all that fails.
 *
 * @param afterwards more harm, of which the same holds
 */
export async function surviveRestart<N extends ServerNode>(
  context: RoundContext,
  service: ClusterService<N, AnyManager>,
  afterwards?: () => Promise<void>,
): Promise<Measurements> {
  const { primary, recorder } = service
  context.step('shut down, and start again')
  const stoppedAt = now()
  await primary.stop()
  await primary.start()
  const startedAt = now()
  await service.writes(20)
  await afterwards?.()
  const moves = recorder.moves(stoppedAt)
  context.expect(moves === 0, `callers were moved ${moves} times`)
  const measured = await service.finish(primary)
  service.expectNoFailedAcquire()
  service.expectReadsGoOn(stoppedAt, startedAt)
  return {
    detectionMs: service.detectionMs(primary, stoppedAt),
    recoveredMs: service.recoveredMs(startedAt),
    ...measured,
  }
}
