import { now } from '../now.js'
import type { RoundContext } from '../round-context.js'
import type { Measurements } from '../scenario.js'
import type { ServerNode } from '../server-node.js'
import type { AnyManager, ClusterService } from '../service.js'

const FULL_MS = 4000
const MOST_ATTEMPTS = 20

export const NO_ROOM_TARGETS = { detectionMs: 50, recoveredMs: 1500 }

/** A connection of others. */
interface Taken {
  end(): Promise<void>
}

/**
 * Others have taken every connection of the new primary: callers wait, and it is not stormed.
 *
 * @param takeOne takes one more connection of the standby; undefined if there is no room left
 */
export async function surviveNoRoom<N extends ServerNode>(
  context: RoundContext,
  service: ClusterService<N, AnyManager>,
  takeOne: () => Promise<Taken | undefined>,
): Promise<Measurements> {
  const { manager, primary, recorder, standby } = service
  context.step('others take every connection of the standby')
  const others: Taken[] = []
  const leave = () => Promise.all(others.splice(0).map((each) => each.end()))
  context.defer(leave)
  for (let taken = await takeOne(); taken !== undefined; taken = await takeOne()) others.push(taken)
  context.step('kill -9 of the primary, the standby is promoted')
  const crashedAt = now()
  await primary.crash()
  // Not watched: a client that watches would find no room.
  await standby.promote()
  const fullAt = now()
  await context.sleep(FULL_MS)
  const attempts = recorder
    .of('connectionFailed', fullAt)
    .filter(({ event }) => event.endpoint === service.endpointOf(standby)).length
  context.expect(attempts < MOST_ATTEMPTS, `${attempts} attempts to connect in ${FULL_MS} ms`)
  const { activeEndpoint } = manager.getFailoverStatus()
  context.expect(activeEndpoint === service.endpointOf(standby), `the writer is ${activeEndpoint}`)
  context.step('the others leave')
  const freeAt = now()
  await leave()
  await service.writes(20)
  const measured = await service.finish(standby)
  service.expectNoFailedAcquire()
  return {
    detectionMs: service.detectionMs(primary, crashedAt),
    attempts,
    recoveredMs: service.recoveredMs(freeAt),
    ...measured,
  }
}
