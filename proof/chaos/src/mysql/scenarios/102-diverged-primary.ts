import { now } from '../../now.js'
import { hasAllOf } from '../histories.js'
import type { Scenario } from '../scenario.js'
import { checkUnreplicated } from '../unreplicated.js'

const UNREPLICATED_WRITES = 10

/**
 * The old primary has writes that no replica ever got, and is back without read_only: each server has what the other lacks.
 * A process that has seen the promotion stays with the promoted one; one that has not refuses to choose.
 */
export const scenario: Scenario = {
  id: 102,
  name: 'the old primary returns writable with writes that were never replicated',
  quick: true,
  targets: { detectionMs: 50, firstWriteMs: 300 },
  async run(context) {
    const service = await context.service({ cluster: { synchronous: false } })
    const { ledger, nodes, primary, recorder, standby } = service
    context.step('the replica receives no more')
    await standby.query(`stop ${standby.product.replication.replica} io_thread`)
    await service.writes(UNREPLICATED_WRITES)
    context.step('kill -9 of the primary, the replica is promoted')
    const crashedAt = now()
    await primary.crash()
    const promotion = await service.promote(standby)
    await service.writes(20)
    context.step('the old primary starts, without read_only')
    const startedAt = now()
    await primary.start({ readOnly: false })
    const fencedMs = await service.reaches(primary, ['FENCED'], startedAt)
    await service.writes(50)
    const diverged = !(await hasAllOf(standby, primary)) && !(await hasAllOf(primary, standby))
    context.expect(diverged, 'one of the servers has all that the other has')
    context.expect(recorder.moves(startedAt) === 0, 'callers were moved')
    context.step('another process starts')
    const writer = await context.writerOfNewcomer(nodes)
    context.expect(writer === undefined, `a process that starts now writes to ${writer}`)
    const { measured, lostUnreplicated, writtenSince } = await checkUnreplicated(service, {
      kept: standby,
      old: primary,
      crashedAt,
    })
    context.expect(writtenSince === 0, `${writtenSince} later writes went to the old primary`)
    context.expect(
      lostUnreplicated >= UNREPLICATED_WRITES,
      `${lostUnreplicated} writes were lost that were never replicated`,
    )
    service.expectNoFailedAcquire()
    context.expect(
      ledger.countOf('refused') === 0,
      'writes were sent to a server that refused them',
    )
    return {
      detectionMs: service.detectionMs(primary, crashedAt),
      firstWriteMs: service.firstWriteMs(promotion),
      fencedMs,
      lostUnreplicated,
      ...measured,
    }
  },
}
