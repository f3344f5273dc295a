import { failureClassOf } from '../../../../demo/src/postgresql/failure-class.js'
import { fateOf, heldUp, terminateHeldUp } from '../in-flight.js'
import type { Scenario } from '../scenario.js'

/**
 * A COMMIT that waits for its standby is on disk already. Ended by an administrator it is answered without any code; yet
 * it has been done.
 */
export const scenario: Scenario = {
  id: 47,
  name: 'a wait for synchronous replication is terminated',
  throughOrm: false,
  async run(context) {
    const service = await context.service({ load: false })
    const { ledger, manager, primary, standby } = service
    await manager.warmUp(2)
    context.step('the standby stops confirming')
    await standby.freeze()
    const insert = "insert into ledger (id, orm) values ($1, 'pg')"
    const writes = {
      waiting: manager.transaction((client) => client.query(insert, ['waiting']), {
        replay: 'safe',
      }),
      alone: manager.pool.query({ text: insert, values: ['alone'], replay: 'safe' }),
    }
    const fates = Promise.all(
      Object.entries(writes).map(async ([id, write]) => {
        await write.then(
          () => ledger.acknowledged(id),
          (error: unknown) => ledger.rejected(id, failureClassOf(error)),
        )
        return fateOf(write)
      }),
    )
    await heldUp(context, primary, 2)
    context.step('the waits are terminated')
    await terminateHeldUp(primary)
    const reported = (await fates).join(', ')
    context.expect(
      reported === 'unknown, unknown',
      `a COMMIT and a write by itself ended as: ${reported}`,
    )
    await standby.thaw()
    const measured = await service.finish(primary)
    context.expect(measured.unknownCommitted === 2, 'the writes were not committed')
    return measured
  },
}
