import { Ledger } from '@connmgr/testing'
import { OperationLog } from '../../operation-log.js'
import { fateOf } from '../in-flight.js'
import { measure } from '../measure.js'
import { startWork } from '../orms.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

/**
 * A transaction that was begun on a standby stays read-only when that is promoted under it. Its write is refused without
 * effect, and what is safe to repeat succeeds in a transaction of its own.
 */
export const scenario: Scenario = {
  id: 22,
  name: 'transaction begun before the promotion (25006)',
  async run(context) {
    const { nodes } = await context.cluster({ standbys: 1, synchronous: true })
    const [primary, standby] = nodes
    if (primary === undefined || standby === undefined) throw new Error('two servers are needed')
    // Only so are callers who want to write led to a standby at all.
    const manager = context.manager({
      databaseUrl: standby.url(),
      failover: { mode: 'ordered' },
    })
    const work = await startWork(context.orm, manager)
    const ledger = new Ledger()
    const id = ledger.newId(context.orm)
    let begun = 0
    const running = work.writeSafely(id, async (attempt, run) => {
      await run('select 1')
      begun = attempt
      if (attempt > 1) return
      await primary.stop('fast')
      context.step('the standby is promoted under a transaction')
      await promote(standby)
    })
    const fate = await fateOf(running)
    context.expect(fate === 'done', `the answer of the caller: ${fate}`)
    context.expect(begun > 1, 'the first attempt was not refused')
    ledger.acknowledged(id)
    const { replays } = manager.getReplayStats()
    await work.close()
    await manager.close()
    const measured = await measure(context, ledger, new OperationLog(), [standby], [standby])
    return { replays, ...measured }
  },
}
