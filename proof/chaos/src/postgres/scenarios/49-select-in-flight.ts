import { fateOf, heldUp } from '../in-flight.js'
import type { Scenario } from '../scenario.js'

const READERS = 5

/** A statement that only reads does no harm twice. */
export const scenario: Scenario = {
  id: 49,
  name: 'connections are cut while a SELECT is in flight',
  throughOrm: false,
  async run(context) {
    const service = await context.service({ proxied: true, load: false })
    const { manager, primary } = service
    const read = { text: 'select pg_sleep(0.5)', replay: 'safe' } as const
    const safe = Promise.all(
      Array.from({ length: READERS }, () => fateOf(manager.pool.query(read))),
    )
    const plain = fateOf(manager.pool.query('select pg_sleep(0.5)'))
    await heldUp(context, primary, READERS + 1)
    context.step('connections are cut')
    service.proxyOf(primary).reset()
    const reported = await safe
    context.expect(
      reported.every((fate) => fate === 'done'),
      `reads that may be repeated ended as: ${reported.join(', ')}`,
    )
    const once = await plain
    context.expect(once === 'aborted', `the answer to a read that was not declared: ${once}`)
    const { replays } = manager.getReplayStats()
    context.expect(replays === READERS, `${replays} reads were run again, not ${READERS}`)
    const measured = await service.finish(primary)
    return { replays, ...measured }
  },
}
