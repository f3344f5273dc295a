import Cursor from 'pg-cursor'
import { fateOf } from '../in-flight.js'
import type { Scenario } from '../scenario.js'

/** A cursor goes with its session; a caller that fetches on gets an error with a code. */
export const scenario: Scenario = {
  id: 51,
  name: 'a server crashes in the middle of a cursor',
  throughOrm: false,
  async run(context) {
    const service = await context.service({ load: false })
    const { manager, primary, standby } = service
    const client = await manager.pool.connect()
    const cursor = client.query(new Cursor('select n from generate_series(1, 1000000) n'))
    const first = await cursor.read(10)
    context.expect(first.length === 10, 'the cursor does not work')
    context.step('kill -9 of the primary')
    await primary.crash()
    await context.until(
      () => manager.getPoolMetrics(service.endpointOf(primary)).checkedIn === 0,
      'the connections are gone',
    )
    const reported = await fateOf(cursor.read(10))
    context.expect(reported === 'aborted', `the answer to the next fetch: ${reported}`)
    client.release()
    await standby.promote()
    const rows = await manager.replay(async () => {
      const again = await manager.pool.connect()
      try {
        const other = again.query(new Cursor('select n from generate_series(1, 20) n'))
        return await other.read(20)
      } finally {
        again.release()
      }
    })
    context.expect(rows.length === 20, 'a cursor on the new primary does not work')
    return service.finish(standby)
  },
}
