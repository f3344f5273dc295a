import { now } from '../../now.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

const LONG_MS = 2000

/**
 * A smart shutdown lets sessions go on and waits for them to end, so a pool that keeps its own for ever would keep the
 * server for ever: what is under way ends in order, and the sessions go.
 */
export const scenario: Scenario = {
  id: 6,
  name: 'smart shutdown while callers work',
  deadlineMs: 90_000,
  targets: { firstWriteMs: 300 },
  async run(context) {
    const service = await context.service()
    const { manager, primary, standby } = service
    const long = manager.use((client) => client.query(`select pg_sleep(${LONG_MS / 1000})`))
    context.step('smart shutdown, with a long query under way')
    const stoppedAt = now()
    const stopped = primary.stop('smart')
    const finished = await long.then(
      () => true,
      () => false,
    )
    context.expect(finished, 'the query that was under way was cut')
    await Promise.race([stopped, context.sleep(20_000)])
    const stoppedMs = primary.running ? Number.NaN : now() - stoppedAt
    context.expect(!primary.running, 'the server still waits for sessions of ours')
    await primary.stop('fast')
    context.step('the standby is promoted')
    const promotion = await promote(standby)
    await service.writes(20)
    const measured = await service.finish(standby)
    service.expectNoFailedAcquire()
    return { stoppedMs, firstWriteMs: service.firstWriteMs(promotion), ...measured }
  },
}
