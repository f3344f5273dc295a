import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'

/** An operator has made the primary read-only: it answers as a primary, and refuses every write. */
export const scenario: Scenario = {
  id: 28,
  name: 'the primary is set to default_transaction_read_only',
  targets: { recoveredMs: 700 },
  async run(context) {
    const service = await context.service()
    const { ledger, load, manager, primary, recorder } = service
    context.step('read-only')
    const readOnlyAt = now()
    await primary.query('alter system set default_transaction_read_only = on')
    await primary.query('select pg_reload_conf()')
    await context.until(
      () => manager.getFailoverStatus().activeEndpoint === undefined,
      'the manager sees no writer',
    )
    const noticedMs = now() - readOnlyAt
    await context.sleep(1000)
    const refused = ledger.countOf('refused')
    const events = recorder.of('failoverStarted', readOnlyAt)
    context.expect(
      events.some(({ event }) => event.reason.includes('default_transaction_read_only')),
      'no event says why there is no writer',
    )
    const moved = recorder.moves(readOnlyAt)
    context.expect(moved === 0, 'callers were moved to another server')
    context.step('read-write again')
    await primary.query('alter system reset default_transaction_read_only')
    await primary.query('select pg_reload_conf()')
    const writableAt = now()
    await service.writes(20)
    const measured = await service.finish(primary)
    context.expect(
      ledger.countOf('refused') === refused,
      'writes were sent to a server known to refuse them',
    )
    service.expectNoFailedAcquire()
    return {
      detectionMs: noticedMs,
      recoveredMs: service.recoveredMs(writableAt),
      refusedReads: load.failed('read').length,
      ...measured,
    }
  },
}
