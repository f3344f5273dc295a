import { setTimeout as delay } from 'node:timers/promises'
import { interleave, nanosecondsPer, type Times } from '../measure.js'
import { connmgr } from '../pools/connmgr.js'
import { floor } from '../pools/floor.js'
import { genericPool } from '../pools/generic-pool.js'
import { lightningPool } from '../pools/lightning-pool.js'
import { pgPool } from '../pools/pg-pool.js'
import type { PoolKind } from '../pools/pool.js'
import { tarn } from '../pools/tarn.js'
import type { Measured, Suite } from '../suite.js'

const SIZES = [1000, 10_000, 100_000]
const TIMEOUT_MS = 50
/** A round ends at least so many, in several pools if need be: what runs for a few milliseconds alone runs cold. */
const WAITERS_PER_ROUND = { quick: 3000, full: 10_000 }
/** A contender that would take longer than this for one run is left out, and the gap shows it. */
const PATIENCE_MS = { quick: 250, full: 2500 }

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
  const all = Array.from({ length: waiters }, () => pool.abortable?.())
  const time = await nanosecondsPer(waiters, async () => {
    const settled = Promise.allSettled(all.map((each) => each?.acquire()))
    for (const each of all) each?.abort()
    await settled
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

/** The mean of so many runs as a round has. */
async function meanOf(
  end: Ending,
  kind: PoolKind,
  size: number,
  perRound: number,
): Promise<number> {
  const runs = Math.ceil(perRound / size)
  let sum = 0
  for (let run = 0; run < runs; run += 1) sum += await end(kind, size)
  return sum / runs
}

/** Those that come to an end in time with so many waiters; what they cost with fewer, if known, tells who would not. */
async function ableTo(
  kinds: readonly PoolKind[],
  end: Ending,
  count: number,
  fewer: readonly Times[],
  patienceMs: number,
): Promise<PoolKind[]> {
  const able: PoolKind[] = []
  for (const kind of kinds) {
    const [hundredth, tenth] = fewer.slice(-2).map((times) => times[kind.name])
    if (kind.name !== 'connmgr' && hundredth !== undefined && tenth !== undefined) {
      // What ten times as many cost now, per waiter, is what ten times as many again will cost more.
      const expected = tenth * Math.max(1, tenth / hundredth) * count
      if (expected / 1e6 > patienceMs) continue
    }
    const time = await ended(end(kind, count), patienceMs)
    if (kind.name === 'connmgr' || (time !== undefined && (time * count) / 1e6 <= patienceMs))
      able.push(kind)
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
  ifNamed: true,
  async run({ quick, rounds }) {
    const thoroughness = quick ? 'quick' : 'full'
    const patienceMs = PATIENCE_MS[thoroughness]
    const all = [connmgr(), pgPool, tarn, genericPool, lightningPool, floor]
    const results: Record<string, Measured> = {}
    for (const [name, end] of Object.entries(ENDINGS)) {
      let kinds = end === aborted ? all.filter(canAbort) : all
      const fewer: Times[] = []
      for (const size of SIZES) {
        kinds = await ableTo(kinds, end, size, fewer, patienceMs)
        const times = await interleave(
          kinds.map((kind) => ({
            name: kind.name,
            run: () => meanOf(end, kind, size, WAITERS_PER_ROUND[thoroughness]),
          })),
          quick ? 1 : rounds,
          // Trying them out has warmed them up, except with few.
          fewer.length === 0 ? 'cold' : 'warm',
        )
        results[`${name}/waiters-${size}`] = { times }
        fewer.push(times)
      }
    }
    return results
  },
}

function canAbort(kind: PoolKind): boolean {
  const pool = kind.open({ size: 1 })
  const can = pool.abortable !== undefined
  void pool.close()
  return can
}
