import { now } from '../../now.js'
import type { Measurements, Scenario } from '../scenario.js'
import { roughen, wideArea } from '../wide-area.js'

const ROUND_TRIPS_MS = [10, 160, 300, 600, 1000]
/** What several URLs may take, in times of what one takes. */
const MOST_TIMES = 3
const BUSY_MS = 300

/** A server that is far away is as far for one URL as for two: several may not cost more than a few logins. */
export const scenario: Scenario = {
  id: 66,
  name: 'the first query over a wide area, TLS and SCRAM',
  group: 'wan',
  throughOrm: false,
  deadlineMs: 180_000,
  async run(context) {
    const area = await wideArea(context)
    const measured: Measurements = {}
    for (const roundTripMs of ROUND_TRIPS_MS) {
      context.step(`a round trip of ${roundTripMs} ms`)
      roughen(area, roundTripMs)
      const times: number[] = []
      for (const count of [1, 2]) {
        const { manager } = area.open(count)
        const from = now()
        await manager.pool.query('select 1')
        times.push(now() - from)
        await manager.close({ drainTimeoutMs: 0 })
      }
      const [one = Number.NaN, two = Number.NaN] = times
      measured[`one${roundTripMs}Ms`] = one
      measured[`two${roundTripMs}Ms`] = two
      context.expect(
        two <= MOST_TIMES * one + BUSY_MS,
        `at ${roundTripMs} ms two URLs took ${two} ms, and one took ${one} ms`,
      )
    }
    return measured
  },
}
