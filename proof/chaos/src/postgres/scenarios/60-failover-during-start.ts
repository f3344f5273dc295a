import { now } from '../../now.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

const IMPATIENT_MS = 400

/** A service starts while there is no primary: each of its first callers waits as long as it has said. */
export const scenario: Scenario = {
  id: 60,
  name: 'failover during the start',
  throughOrm: false,
  targets: { firstWriteMs: 300 },
  async run(context) {
    const { nodes } = await context.cluster({ standbys: 1, synchronous: true })
    const [primary, standby] = nodes
    if (primary === undefined || standby === undefined) throw new Error('there are two servers')
    context.step('kill -9 of the primary, then the manager starts')
    await primary.crash()
    const manager = context.manager({ databaseUrl: primary.url(), failoverUrls: [standby.url()] })
    const startedAt = now()
    const write = (timeoutMs: number): Promise<number> =>
      manager.use(
        async (client) => {
          await client.query("insert into ledger (id, orm) values ('first', 'pg')")
          return now()
        },
        { timeoutMs },
      )
    const patient = write(10_000)
    patient.catch(() => {})
    const reportedMs = await write(IMPATIENT_MS).then(
      () => Number.NaN,
      (error: { code?: string }) => {
        context.expect(
          error.code === 'CONNMGR_ACQUIRE_TIMEOUT',
          `the impatient caller got ${error.code}`,
        )
        return now() - startedAt
      },
    )
    context.expect(
      reportedMs < IMPATIENT_MS + 300,
      `the impatient caller failed after ${reportedMs} ms`,
    )
    const reads = await manager.use((client) => client.query('select 1'), { target: 'standby' })
    context.expect(reads.rows.length === 1, 'the standby was not read from')
    context.step('the standby is promoted')
    const { visibleAt } = await promote(standby)
    const writtenAt = await patient
    await manager.close()
    return { reportedMs, firstWriteMs: Math.max(0, writtenAt - visibleAt) }
  },
}
