import type { FailureClass } from '@connmgr/testing'
import { failureClassOf } from '../../../../demo/src/mysql/failure-class.js'
import { COMMITTING, WAITING_FOR_REPLICA } from '../commit-states.js'
import type { Scenario } from '../scenario.js'
import { inTransactions, throughPool } from '../work.js'

/** The first of those that commit waits for the replica, and the others for the first. */
const sessionsThat = (condition: string): string =>
  `select id from information_schema.processlist where user = 'app' and (${condition})`

/**
 * The sessions are killed while their commits wait for a replica: the server has committed, so no caller may hear that it
 * failed, and no transaction is run again.
 */
export const scenario: Scenario = {
  id: 47,
  name: 'commits that wait for a replica are killed',
  quick: true,
  async run(context) {
    const service = await context.service({ load: false })
    const { ledger, manager, primary, standby } = service
    const { replica } = primary.product.replication
    const works = [throughPool(manager), throughPool(manager), inTransactions(manager)]
    context.step('the replica receives no more, and commits wait')
    await standby.query(`stop ${replica} io_thread`)
    const fates: (FailureClass | 'done')[] = []
    const running = works.map(async (work) => {
      const id = ledger.newId(work.orm)
      try {
        await work.write(id)
        ledger.acknowledged(id)
        fates.push('done')
      } catch (error) {
        const fate = failureClassOf(error)
        ledger.rejected(id, fate)
        fates.push(fate)
      }
    })
    const settled = Promise.all(running)
    await context.until(
      async () =>
        (await primary.query(sessionsThat(WAITING_FOR_REPLICA))).length > 0 &&
        (await primary.query(sessionsThat(COMMITTING))).length >= works.length,
      'all commits wait for the replica',
    )
    context.step('the sessions are killed')
    const sessions = await primary.query<{ id: number }>(
      "select id from information_schema.processlist where user = 'app'",
    )
    for (const { id } of sessions) await primary.kill(id)
    await settled
    context.step(`the callers got: ${fates.join(', ')}`)
    await standby.query(`start ${replica} io_thread`)
    // MySQL tells the client that its session is killed, and goes on waiting for the replica.
    await context.until(
      async () => (await primary.query(sessionsThat(COMMITTING))).length === 0,
      'the commits are done',
    )
    const measured = await service.finish(primary)
    context.expect(
      measured.unknownCommitted === works.length,
      `${measured.unknownCommitted} of ${works.length} writes are there and were said to be unknown`,
    )
    return measured
  },
}
