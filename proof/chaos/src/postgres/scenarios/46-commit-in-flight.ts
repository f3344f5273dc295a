import { failureClassOf } from '../../../../demo/src/postgresql/failure-class.js'
import { fateOf, heldUp, SLOW_COMMITS, terminateHeldUp } from '../in-flight.js'
import { startWork } from '../orms.js'
import type { Scenario } from '../scenario.js'

const CUTS = 15
const LATENCY_MS = 3

/** A COMMIT whose answer is lost is reported as unknown, and never repeated. */
export const scenario: Scenario = {
  id: 46,
  name: 'connections are cut while COMMIT is in flight',
  quick: true,
  async run(context) {
    const service = await context.service({ proxied: true, load: false })
    const { ledger, manager, primary } = service
    const proxy = service.proxyOf(primary)
    const work = await startWork(context.orm, manager)
    await primary.query(SLOW_COMMITS)

    context.step('a COMMIT is cut off for certain')
    const slow = `slow ${ledger.newId(context.orm)}`
    const certain = work.writeSafely(slow)
    certain.then(
      () => ledger.acknowledged(slow),
      (error: unknown) => ledger.rejected(slow, failureClassOf(error)),
    )
    const fate = fateOf(certain)
    await heldUp(context, primary)
    proxy.reset()
    const reported = await fate
    context.expect(
      reported === 'unknown',
      `the answer to the caller of a COMMIT in flight: ${reported}`,
    )
    await terminateHeldUp(primary)

    context.step('transactions are cut off again and again')
    proxy.latency(LATENCY_MS)
    let stopping = false
    const callers = Array.from({ length: 8 }, async () => {
      while (!stopping) {
        const id = ledger.newId(context.orm)
        await work.writeSafely(id).then(
          () => ledger.acknowledged(id),
          (error: unknown) => ledger.rejected(id, failureClassOf(error)),
        )
      }
    })
    for (let cut = 0; cut < CUTS; cut += 1) {
      const before = ledger.counts.acknowledged
      await context.until(() => ledger.counts.acknowledged > before + 10, 'callers go on')
      await context.sleep(Math.random() * 4 * LATENCY_MS)
      proxy.reset()
    }
    stopping = true
    await Promise.all(callers)
    await proxy.heal()
    const { replays } = manager.getReplayStats()
    context.expect(
      ledger.counts.failed === 0,
      `${ledger.counts.failed} transactions failed that could have been run again`,
    )
    await work.close()
    const measured = await service.finish(primary)
    return { replays, ...measured }
  },
}
