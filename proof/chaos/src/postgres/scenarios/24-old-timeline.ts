import { now } from '../../now.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

/** The old primary is back and believes to be one: whatever it took would be lost, so it gets nothing. */
export const scenario: Scenario = {
  id: 24,
  name: 'the old primary returns as a primary on a lower timeline',
  quick: true,
  targets: { detectionMs: 50, firstWriteMs: 300 },
  async run(context) {
    const service = await context.service()
    const { primary, recorder, standby } = service
    context.step('kill -9 of the primary')
    const crashedAt = now()
    await primary.crash()
    const promotion = await promote(standby)
    await service.writes(10)
    context.step('the old primary starts as it was')
    const startedAt = now()
    await primary.start()
    const before = await rowsOf(primary)
    const fencedMs = await service.reaches(primary, ['FENCED'], startedAt)
    await service.writes(50)
    const written = (await rowsOf(primary)) - before
    context.expect(written === 0, `${written} writes went to the fenced server`)
    context.step('the new primary restarts while the fenced one answers')
    await standby.stop('fast')
    await context.sleep(500)
    await standby.start()
    await service.writes(10)
    const later = (await rowsOf(primary)) - before
    context.expect(later === 0, `${later} writes went to the fenced server`)
    context.expect(recorder.moves(startedAt) === 0, 'callers were moved')
    const figures = await service.finish(standby)
    service.expectNoFailedAcquire()
    return {
      detectionMs: service.detectionMs(primary, crashedAt),
      firstWriteMs: service.firstWriteMs(promotion),
      fencedMs,
      writtenToFenced: later,
      ...figures,
    }

    async function rowsOf(node: typeof primary): Promise<number> {
      const [row] = await node.query<{ rows: number }>('select count(*)::int as rows from ledger')
      return row?.rows ?? Number.NaN
    }
  },
}
