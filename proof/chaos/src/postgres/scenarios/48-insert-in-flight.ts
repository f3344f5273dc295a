import { Client } from 'pg'
import { failureClassOf } from '../../../../demo/src/postgresql/failure-class.js'
import { fateOf, heldUp } from '../in-flight.js'
import { startWork } from '../orms.js'
import type { Scenario } from '../scenario.js'

const WRITERS = 5

/** Writes by themselves wait for a lock when their connections are cut; the server does them all the same, later. */
export const scenario: Scenario = {
  id: 48,
  name: 'connections are cut while an INSERT by itself is in flight',
  async run(context) {
    // Asked to repeat what is safe, it must not take these for safe.
    const service = await context.service({
      proxied: true,
      load: false,
      manager: { replayStatements: 'safe' },
    })
    const { ledger, manager, primary } = service
    const work = await startWork(context.orm, manager)
    const holder = new Client({ connectionString: primary.url() })
    await holder.connect()
    await holder.query('begin; lock table ledger in share mode')
    const ids = Array.from({ length: WRITERS }, () => ledger.newId(context.orm))
    const fates = Promise.all(
      ids.map(async (id) => {
        const write = work.write(id)
        await write.catch((error: unknown) => ledger.rejected(id, failureClassOf(error)))
        return fateOf(write)
      }),
    )
    await heldUp(context, primary, WRITERS)
    context.step('connections are cut')
    service.proxyOf(primary).reset()
    const reported = new Set(await fates)
    context.expect(
      reported.size === 1 && reported.has('unknown'),
      `INSERTs in flight ended as: ${[...reported].join(', ')}`,
    )
    context.step('the server does what it was asked to')
    await holder.query('rollback')
    await holder.end()
    await context.until(
      async () => (await primary.query('select 1 from ledger')).length === WRITERS,
      'the server has written the rows',
    )
    await work.close()
    const measured = await service.finish(primary)
    context.expect(
      measured.unknownCommitted === WRITERS,
      'an unknown write was not reported as such',
    )
    return measured
  },
}
