import { ConnectionManager } from '@connmgr/core'
import { interleave, nanosecondsPer } from '../measure.js'
import { fakeDriver, fakeEndpoint } from '../pools/connmgr.js'
import { housekeptPool } from '../pools/housekept.js'
import { FakeServer } from '../pools/pool.js'
import type { Measured, Settings, Suite } from '../suite.js'

const SIZES = [10, 100, 1000]

async function check({ quick, rounds }: Settings): Promise<Measured> {
  const manager = new ConnectionManager<object>({
    driver: fakeDriver(new FakeServer(0)),
    endpoints: [fakeEndpoint],
    options: { logger: false },
  })
  const operations = quick ? 500 : 5000
  const run = (): Promise<number> =>
    nanosecondsPer(operations, async () => {
      for (let done = 0; done < operations; done += 1) await manager.checkHealth()
    })
  const times = await interleave([{ name: 'connmgr', run }], rounds)
  await manager.close({ drainTimeoutMs: 0 })
  return { times }
}

async function tick(size: number, { quick, rounds }: Settings): Promise<Measured> {
  const pool = await housekeptPool(size)
  const operations = Math.ceil((quick ? 20_000 : 200_000) / size)
  const run = (): Promise<number> =>
    nanosecondsPer(operations, async () => {
      for (let done = 0; done < operations; done += 1) pool.tick()
    })
  const times = await interleave([{ name: 'connmgr', run }], rounds)
  await pool.close()
  return { times, also: { 'ns per connection': perElement(times.connmgr, size) } }
}

/** What one of many costs: the same at every size, or less, if the whole is linear. */
export function perElement(total: number | undefined, size: number): { connmgr: number } {
  return { connmgr: Number(((total ?? Number.NaN) / size).toFixed(1)) }
}

export const health: Suite = {
  name: 'health',
  about: 'one health check, and one tick of the housekeeper by idle connections; fake driver',
  peers: [],
  ifNamed: true,
  async run(settings) {
    const results: Record<string, Measured> = { check: await check(settings) }
    for (const size of SIZES) results[`tick/connections-${size}`] = await tick(size, settings)
    return results
  },
}
