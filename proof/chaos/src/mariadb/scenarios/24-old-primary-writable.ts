import type { MariadbNode } from '@connmgr/testing'
import { now } from '../../now.js'
import { hasAllOf } from '../histories.js'
import type { Scenario } from '../scenario.js'

/**
 * The old primary is back without read_only, and takes writes that would be lost: it gets none. The promoted one has all
 * that it has, and more, by which also a process that has seen nothing tells them apart.
 */
export const scenario: Scenario = {
  id: 24,
  name: 'the old primary returns without read_only',
  quick: true,
  targets: { detectionMs: 50, firstWriteMs: 300 },
  async run(context) {
    const service = await context.service()
    const { nodes, primary, recorder, standby } = service
    context.step('kill -9 of the primary')
    const crashedAt = now()
    await primary.crash()
    const promotion = await service.promote(standby)
    await service.writes(10)
    context.step('the old primary starts as it was')
    const startedAt = now()
    await primary.start({ readOnly: false })
    const before = await rowsOf(primary)
    const fencedMs = await service.reaches(primary, ['FENCED'], startedAt)
    await service.writes(50)
    const written = (await rowsOf(primary)) - before
    context.expect(written === 0, `${written} writes went to the fenced server`)
    context.step('another process starts')
    // What the old one was killed in the middle of it may have alone; then no set tells which of them is right.
    const contained = await hasAllOf(standby, primary)
    const writer = await context.writerOfNewcomer(nodes)
    context.expect(
      writer === (contained ? standby.port : undefined),
      `a process that starts now writes to ${writer}; the promoted server ${contained ? 'has' : 'lacks some of'} what the old one has`,
    )
    context.step('the new primary restarts while the fenced one answers')
    await standby.stop()
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
      setContained: contained ? 1 : 0,
      ...figures,
    }
  },
}

async function rowsOf(node: MariadbNode): Promise<number> {
  const [row] = await node.query<{ rows: number }>('select count(*) as `rows` from ledger')
  return row?.rows ?? Number.NaN
}
