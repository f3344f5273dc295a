import { now } from '../../now.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

const READERS = 4

/** A promotion leaves the sessions of the standby alive, so there is no reason to cut a read that runs on it. */
export const scenario: Scenario = {
  id: 21,
  name: 'promotion while long reads run on that standby',
  throughOrm: false,
  targets: { detectionMs: 50, firstWriteMs: 300 },
  async run(context) {
    const service = await context.service()
    const { manager, primary, standby } = service
    const reads = Array.from({ length: READERS }, () =>
      manager.use((client) => client.query('select pg_sleep(3)'), { target: 'standby' }),
    )
    await context.sleep(200)
    context.step('kill -9 of the primary')
    const crashedAt = now()
    await primary.crash()
    await context.sleep(500)
    context.step('the standby is promoted under its readers')
    const promotion = await promote(standby)
    const results = await Promise.allSettled(reads)
    const cut = results.filter((each) => each.status === 'rejected')
    context.expect(cut.length === 0, `${cut.length} of ${READERS} reads were cut`)
    await service.writes(10)
    const measured = await service.finish(standby)
    return {
      detectionMs: service.detectionMs(primary, crashedAt),
      firstWriteMs: service.firstWriteMs(promotion),
      readsCut: cut.length,
      ...measured,
    }
  },
}
