import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'

const IDLE_MS = 700
const ROUNDS = 5

/** The server has forgotten every connection, and no client knows: a caller that is lent one must not be the one to find out. */
export const scenario: Scenario = {
  id: 18,
  name: 'half-open sockets',
  async run(context) {
    const service = await context.service({ proxied: true, load: false })
    const { manager, primary } = service
    const proxy = service.proxyOf(primary)
    await manager.warmUp(5)
    await context.sleep(IDLE_MS)
    context.step('the far ends of all connections are gone')
    const brokenAt = now()
    proxy.halfOpen()
    const acquires = Array.from({ length: ROUNDS }, () =>
      manager.use((client) => client.query('select 1')),
    )
    const results = await Promise.allSettled(acquires)
    const servedMs = now() - brokenAt
    const failed = results.filter((each) => each.status === 'rejected')
    context.expect(failed.length === 0, `${failed.length} of ${ROUNDS} callers failed`)
    context.step('packets are answered with resets')
    await manager.warmUp(5)
    await context.sleep(IDLE_MS)
    proxy.halfOpen()
    await proxy.heal()
    const resetAt = now()
    await manager.use((client) => client.query('select 1'))
    const servedAfterResetMs = now() - resetAt
    context.expect(service.recorder.moves() === 0, 'callers were moved to another server')
    const measured = await service.finish(primary)
    return { servedMs, servedAfterResetMs, failedCallers: failed.length, ...measured }
  },
}
