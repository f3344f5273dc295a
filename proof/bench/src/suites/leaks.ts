import { collectGarbage, interleave, nanosecondsPer } from '../measure.js'
import { connmgr } from '../pools/connmgr.js'
import { housekeptPool } from '../pools/housekept.js'
import type { Measured, Settings, Suite } from '../suite.js'
import { perElement } from './health.js'

const SIZES = [10, 1000, 10_000]
/** Older than this no lease is passed over, and the threshold of a leak is far. */
const AGE_MS = 2000
/** So many of each are weighed together. */
const WEIGHED = 10_000

/** A look at leases that are all old enough to be looked at, and none of which is a leak. */
async function scan(size: number, { quick, rounds }: Settings): Promise<Measured> {
  const pool = await housekeptPool(size)
  const leases = await Promise.all(Array.from({ length: size }, () => pool.acquire()))
  pool.age(AGE_MS)
  const operations = Math.ceil((quick ? 50_000 : 500_000) / size)
  const run = (): Promise<number> =>
    nanosecondsPer(operations, async () => {
      for (let done = 0; done < operations; done += 1) pool.tick()
    })
  const times = await interleave([{ name: 'connmgr', run }], rounds)
  for (const lease of leases) pool.release(lease)
  await pool.close()
  return { times, also: { 'ns per lease': perElement(times.connmgr, size) } }
}

/** Bytes of the heap that each of many things made by `make` keeps. */
async function weigh(make: () => Promise<unknown>): Promise<Measured> {
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  const made = await make()
  collectGarbage()
  const bytes = (process.memoryUsage().heapUsed - before) / WEIGHED
  if (made === undefined) throw new Error('nothing was made')
  return { times: { connmgr: bytes }, unit: 'bytes' }
}

async function weighAll(): Promise<Record<string, Measured>> {
  const pool = connmgr({
    healthMonitoring: false,
    connectConcurrency: 1000,
    leakDetection: { captureStack: 'never' },
  }).open({ size: WEIGHED })
  const acquireAll = (): Promise<unknown[]> =>
    Promise.all(Array.from({ length: WEIGHED }, () => pool.acquire()))
  // A connection keeps its latest lease, so that one's weight is in its own; with the first ones kept, the second count.
  let first: unknown[] = []
  const entries = await weigh(async () => {
    first = await acquireAll()
    for (const lease of first) pool.release(lease)
    return pool
  })
  let leases: unknown[] = []
  const held = await weigh(async () => {
    leases = await acquireAll()
    return first
  })
  let waiting: Promise<unknown>[] = []
  const queued = await weigh(async () => {
    waiting = Array.from({ length: WEIGHED }, () => pool.acquire())
    return waiting
  })
  for (const lease of leases) pool.release(lease)
  for (const lease of await Promise.all(waiting)) pool.release(lease)
  await pool.close()
  return { 'bytes/idle-connection': entries, 'bytes/lease': held, 'bytes/waiter': queued }
}

export const leaks: Suite = {
  name: 'leaks',
  about: 'one scan by leases, all held; and the heap that one of each keeps, without a stack',
  peers: [],
  ifNamed: true,
  async run(settings) {
    const results: Record<string, Measured> = {}
    for (const size of SIZES) results[`scan/leases-${size}`] = await scan(size, settings)
    return { ...results, ...(await weighAll()) }
  },
}
