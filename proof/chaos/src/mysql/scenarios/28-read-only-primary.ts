import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'

const READ_ONLY_FOR_MS = 1000

/** An operator has set read_only on the primary, and takes it back: no caller moves, writes wait, and reads go on. */
export const scenario: Scenario = {
  id: 28,
  name: 'the primary is set to read_only, and back',
  quick: true,
  targets: { recoveredMs: 700 },
  async run(context) {
    const service = await context.service()
    const { ledger, manager, primary, recorder } = service
    context.step('read-only')
    const readOnlyAt = now()
    await primary.setReadOnly(true)
    await context.until(
      () => manager.getFailoverStatus().activeEndpoint === undefined,
      'the manager sees no writer',
    )
    const noticedMs = now() - readOnlyAt
    await context.sleep(READ_ONLY_FOR_MS)
    const refused = ledger.countOf('refused')
    const events = recorder.of('failoverStarted', readOnlyAt)
    context.expect(events.length > 0, 'no event tells that there is no writer')
    const moved = recorder.moves(readOnlyAt)
    context.expect(moved === 0, 'callers were moved to another server')
    context.step('read-write again')
    const askedAt = now()
    await primary.setReadOnly(false)
    const writableAt = now()
    await service.writes(20)
    const reads = service.expectReadsGoOn(readOnlyAt, askedAt)
    const measured = await service.finish(primary)
    context.expect(
      ledger.countOf('refused') === refused,
      'writes were sent to a server known to refuse them',
    )
    service.expectNoFailedAcquire()
    return {
      noticedMs,
      recoveredMs: Math.max(0, askedAt + service.recoveredMs(askedAt) - writableAt),
      readsMeanwhile: reads,
      ...measured,
    }
  },
}
