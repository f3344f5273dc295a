import { setTimeout as delay } from 'node:timers/promises'
import { interleave, nanosecondsPer } from '../measure.js'
import { connmgr } from '../pools/connmgr.js'
import { genericPool } from '../pools/generic-pool.js'
import { lightningPool } from '../pools/lightning-pool.js'
import { pgPool } from '../pools/pg-pool.js'
import type { PoolKind } from '../pools/pool.js'
import { tarn } from '../pools/tarn.js'
import type { Measured, Suite } from '../suite.js'

const SIZES = [1000, 10_000, 100_000]
const TIMEOUT_MS = 50
/** A contender that would take longer than this for one run is left out, and the gap shows it. */
const PATIENCE_MS = { quick: 1000, full: 5000 }

type Ending = (kind: PoolKind, waiters: number) => Promise<number>

/** All waiters are served, one after the other, by the only connection. */
const served: Ending = async (kind, waiters) => {
  const pool = kind.open({ size: 1 })
  const first = await pool.acquire()
  const time = await nanosecondsPer(waiters, async () => {
    const all = Array.from({ length: waiters }, async () => pool.release(await pool.acquire()))
    pool.release(first)
    await Promise.all(all)
  })
  await pool.close()
  return time
}

/** All waiters are cancelled, the oldest first. */
const aborted: Ending = async (kind, waiters) => {
  const pool = kind.open({ size: 1 })
  const first = await pool.acquire()
  const time = await nanosecondsPer(waiters, async () => {
    const all = Array.from({ length: waiters }, () => pool.acquireAbortable?.())
    for (const each of all) each?.abort()
    await Promise.allSettled(all.map((each) => each?.acquired))
  })
  pool.release(first)
  await pool.close()
  return time
}

/** All waiters run out of time. What counts is the work, not the waiting, so it is the CPU's time that is measured. */
const timedOut: Ending = async (kind, waiters) => {
  const pool = kind.open({ size: 1, acquireTimeoutMs: TIMEOUT_MS })
  const first = await pool.acquire()
  const before = process.cpuUsage()
  await Promise.allSettled(Array.from({ length: waiters }, () => pool.acquire()))
  const { user, system } = process.cpuUsage(before)
  pool.release(first)
  await pool.close()
  return ((user + system) * 1000) / waiters
}

const ENDINGS: Readonly<Record<string, Ending>> = { served, aborted, 'timed-out': timedOut }

/** Those whose cost does not explode on the way to this many, and that come to an end at all. */
async function ableTo(
  kinds: readonly PoolKind[],
  end: Ending,
  count: number,
  patienceMs: number,
): Promise<PoolKind[]> {
  const able: PoolKind[] = []
  for (const kind of kinds) {
    if (kind.name === 'connmgr') {
      able.push(kind)
      continue
    }
    const tenth = await ended(end(kind, count / 10), patienceMs)
    const hundredth = await ended(end(kind, count / 100), patienceMs)
    if (tenth === undefined || hundredth === undefined) continue
    // What ten times as many cost now, per waiter, is what ten times as many again will cost more.
    const expected = tenth * Math.max(1, tenth / hundredth) * count
    if (expected / 1e6 > patienceMs) continue
    if ((await ended(end(kind, count), patienceMs)) !== undefined) able.push(kind)
  }
  return able
}

async function ended(running: Promise<number>, patienceMs: number): Promise<number | undefined> {
  return Promise.race([running, delay(patienceMs, undefined, { ref: false })])
}

export const waiters: Suite = {
  name: 'waiters',
  about: 'queued acquires that are served, aborted, or time out; per waiter',
  peers: ['pg-pool', 'tarn', 'generic-pool', 'lightning-pool'],
  async run({ quick, rounds }) {
    const patienceMs = quick ? PATIENCE_MS.quick : PATIENCE_MS.full
    const all = [connmgr(), pgPool, tarn, genericPool, lightningPool]
    const results: Record<string, Measured> = {}
    for (const [name, end] of Object.entries(ENDINGS)) {
      const able = end === aborted ? all.filter(canAbort) : all
      for (const size of SIZES) {
        const kinds = await ableTo(able, end, size, patienceMs)
        const times = await interleave(
          kinds.map((kind) => ({ name: kind.name, run: () => end(kind, size) })),
          quick ? 1 : Math.min(rounds, 5),
        )
        results[`${name}/waiters-${size}`] = { times }
      }
    }
    return results
  },
}

function canAbort(kind: PoolKind): boolean {
  const pool = kind.open({ size: 1 })
  const can = pool.acquireAbortable !== undefined
  void pool.close()
  return can
}
