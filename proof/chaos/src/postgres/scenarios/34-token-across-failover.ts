import type { WriteToken } from '@connmgr/core'
import { now } from '../../now.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

const READERS = 10

/** Positions of the old timeline do not compare with those of the new one, so the holder of such a token reads from the writer. */
export const scenario: Scenario = {
  id: 34,
  name: 'a read-your-writes token across a failover',
  throughOrm: false,
  targets: { firstReadMs: 300 },
  async run(context) {
    const service = await context.service({
      load: false,
      manager: { failover: { failbackStableMs: 500 } },
    })
    const { manager, primary, standby } = service
    const look = async (id: string, after: WriteToken | string) =>
      manager.use(
        async (client) => {
          const { rows } = await client.query<{ found: boolean; standby: boolean }>(
            'select exists (select from ledger where id = $1) as found, pg_is_in_recovery() as standby',
            [id],
          )
          return { found: rows[0]?.found === true, standby: rows[0]?.standby === true, at: now() }
        },
        { target: 'prefer-standby', after },
      )
    const write = async (id: string) => {
      await manager.transaction((client) =>
        client.query("insert into ledger (id, orm) values ($1, 'pg')", [id]),
      )
      return String(await manager.writeToken())
    }
    /** Callers that write and then read it on a standby, whatever happens. */
    const shown = { found: 0, missing: 0, failed: 0 }
    let going = true
    const callers = Array.from({ length: 4 }, async (_, caller) => {
      for (let id = 0; going; id += 1) {
        const name = `caller-${caller}-${id}`
        await write(name)
          .then((after) => look(name, after))
          .then(
            ({ found }) => (shown[found ? 'found' : 'missing'] += 1),
            // A write that the crash cut off fails as that, and is not read.
            () => (shown.failed += 1),
          )
        await context.sleep(10)
      }
    })
    context.defer(async () => {
      going = false
    })
    const old = await write('before')
    const before = await look('before', old)
    context.expect(
      before.found && before.standby,
      'before the failover no standby served the token',
    )
    context.step('kill -9 of the primary')
    await primary.crash()
    await context.until(
      () => manager.getFailoverStatus().activeEndpoint === undefined,
      'the primary is left',
    )
    // Replayed by the standby all the same, so they need not wait for a writer.
    const meanwhile = await Promise.all(Array.from({ length: READERS }, () => look('before', old)))
    context.expect(
      meanwhile.every(({ found, standby: on }) => found && on),
      'a standby that had replayed it did not serve it while there was no writer',
    )
    const { visibleAt } = await promote(standby)
    await context.until(
      () => manager.getFailoverStatus().failovers === 1,
      'the standby is the writer',
    )
    const after = await Promise.all(Array.from({ length: READERS }, () => look('before', old)))
    const first = Math.min(...after.map(({ at }) => at))
    context.expect(
      after.every(({ found, standby: on }) => found && !on),
      'a token from before the failover was not served by the writer',
    )
    context.step('the old primary returns as a standby')
    await primary.rebuildAsStandbyOf(standby)
    await context.until(() => manager.getCounts('standby').limit > 0, 'it is read from')
    const fresh = await look('after', await write('after'))
    context.expect(fresh.found && fresh.standby, 'no standby served a token of the new timeline')
    const stale = await look('before', old)
    context.expect(stale.found && !stale.standby, 'an old token was compared with new positions')
    going = false
    await Promise.all(callers)
    context.expect(shown.missing === 0, `${shown.missing} reads did not show what was written`)
    context.expect(shown.found > 100, `only ${shown.found} reads were made`)
    const measured = await service.finish(standby)
    return {
      firstReadMs: Math.max(0, first - visibleAt),
      ownWritesShown: shown.found,
      ownWritesMissing: shown.missing,
      callsCut: shown.failed,
      ...measured,
    }
  },
}
