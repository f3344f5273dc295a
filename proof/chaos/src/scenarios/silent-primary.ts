import { now } from '../now.js'
import type { RoundContext } from '../round-context.js'
import type { Measurements } from '../scenario.js'
import type { ServerNode } from '../server-node.js'
import type { AnyManager, ClusterService } from '../service.js'

/** How a primary falls silent, and how it answers again. */
export interface Silence<S> {
  readonly fall: (service: S) => Promise<void> | void
  readonly end: (service: S) => Promise<void>
}

type AnyService = ClusterService<ServerNode, AnyManager>

/** Its processes are stopped (SIGSTOP). */
export const FROZEN: Silence<AnyService> = {
  fall: ({ primary }) => primary.freeze(),
  end: ({ primary }) => primary.thaw(),
}
/** Nothing passes on its sockets; it takes a proxy before it. */
export const BLACK_HOLE: Silence<AnyService> = {
  fall: (service) => service.proxyOf(service.primary).blackHole(),
  end: (service) => service.proxyOf(service.primary).heal(),
}

/** Times of a primary that is silent, and that callers hang on. */
export const SILENCE_TARGETS = { downMs: 1100, hungMs: 1100, firstWriteMs: 300 }

/** Nothing is closed and no answer comes: only deadlines tell, and they must free callers that hang on a socket. */
export async function surviveSilence<N extends ServerNode, S extends ClusterService<N, AnyManager>>(
  context: RoundContext,
  service: S,
  { fall, end }: Silence<S>,
): Promise<Measurements> {
  const { load, manager, primary, standby } = service
  context.step('the primary falls silent')
  const silentAt = now()
  await fall(service)
  const downMs = await service.reaches(primary, ['DOWN'], silentAt)
  await context.sleep(300)
  const hanging = manager
    .getHolders()
    .filter(
      ({ heldForMs, endpoint }) => heldForMs > 500 && endpoint === service.endpointOf(primary),
    )
  context.expect(hanging.length === 0, `${hanging.length} callers hang on a server that is down`)
  const hung = load.failed('write', silentAt)
  context.step('the standby is promoted')
  const promotion = await service.promote(standby)
  await service.writes(20)
  service.expectNoFailedAcquire()
  context.step('the old primary answers again')
  const backAt = now()
  await end(service)
  await service.reaches(primary, ['FENCED'], backAt)
  await service.writes(10)
  const measured = await service.finish(standby)
  return {
    detectionMs: service.detectionMs(primary, silentAt),
    downMs,
    hungMs: Math.max(0, ...hung.map(({ endedAt = Number.NaN }) => endedAt - silentAt)),
    firstWriteMs: service.firstWriteMs(promotion),
    ...measured,
  }
}
