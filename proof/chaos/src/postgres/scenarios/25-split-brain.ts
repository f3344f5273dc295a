import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'

const REFUSED_FOR_MS = 1500

/** It cannot be decided which of two primaries is the right one, so neither gets writes until a person has decided. */
export const scenario: Scenario = {
  id: 25,
  name: 'two primaries on equal timelines',
  quick: true,
  targets: { detectionMs: 50 },
  async run(context) {
    const service = await context.service({ standbys: 2, manager: { acquireTimeoutMs: 1000 } })
    const { load, manager, primary, recorder } = service
    const [, first, second] = service.nodes
    if (first === undefined || second === undefined) throw new Error('there are two standbys')
    context.step('kill -9 of the primary')
    const crashedAt = now()
    await primary.crash()
    context.step('both standbys are promoted')
    await Promise.all([first.promote(), second.promote()])
    await context.until(
      () => manager.getFailoverStatus().state === 'SPLIT_BRAIN',
      'the manager sees two primaries',
    )
    const splitAt = now()
    // A write that was on its way to the one that was seen first may still succeed.
    await context.sleep(200)
    const refusedFrom = now()
    await context.sleep(REFUSED_FOR_MS)
    const written = load.succeeded('write', refusedFrom).length
    context.expect(written === 0, `${written} writes succeeded with two primaries`)
    const refused = load.failed('write', refusedFrom).length
    context.expect(refused > 0, 'no caller learned that writes are refused')
    const events = recorder.of('clusterStateChanged', crashedAt)
    context.expect(
      events.some(({ event }) => event.to === 'SPLIT_BRAIN'),
      'no event tells of it',
    )
    context.step('one of the two becomes a standby of the other')
    const [kept, given] =
      (await rowsOf(first)) >= (await rowsOf(second)) ? [first, second] : [second, first]
    await given.rebuildAsStandbyOf(kept)
    const resolvedAt = now()
    await service.writes(20)
    const measured = await service.finish(kept)
    return {
      detectionMs: service.detectionMs(primary, crashedAt),
      splitMs: splitAt - crashedAt,
      refused,
      recoveredMs: service.recoveredMs(resolvedAt),
      ...measured,
    }

    async function rowsOf(node: typeof primary): Promise<number> {
      const [row] = await node.query<{ rows: number }>('select count(*)::int as rows from ledger')
      return row?.rows ?? Number.NaN
    }
  },
}
