import { channel, tracingChannel } from 'node:diagnostics_channel'
import { interleave, nanosecondsPer, type Times } from '../measure.js'
import { connmgr } from '../pools/connmgr.js'
import { floor } from '../pools/floor.js'
import { genericPool } from '../pools/generic-pool.js'
import { lightningPool } from '../pools/lightning-pool.js'
import { pgPool } from '../pools/pg-pool.js'
import type { MeasuredPool, PoolKind } from '../pools/pool.js'
import { tarn } from '../pools/tarn.js'
import type { Measured, Suite } from '../suite.js'

const SIZE = 10
const CALLERS = [1, 10, 100]
/** They are short, and with fewer the compiler would still be at work in most of them. */
const QUICK_ROUNDS = 9

async function acquireAndRelease(
  pool: MeasuredPool,
  callers: number,
  operations: number,
): Promise<number> {
  const each = operations / callers
  return nanosecondsPer(operations, () =>
    Promise.all(
      Array.from({ length: callers }, async () => {
        for (let done = 0; done < each; done += 1) pool.release(await pool.acquire())
      }),
    ),
  )
}

const NOTHING = (): void => {}

/** Ours with what costs extra; shown beside it. */
const WITH_MORE: readonly PoolKind[] = [
  { ...connmgr({ leakDetection: { captureStack: 'always' } }), name: 'all stacks' },
  { ...connmgr({}, (manager) => manager.on('leakDetected', NOTHING)), name: 'leak listener' },
]
const TRACED: PoolKind = { ...connmgr(), name: 'traced' }

/** Subscribes to the channels that an acquire and a release publish on, for all pools; returns how to end it. */
function trace(): () => void {
  const acquire = tracingChannel('connmgr:pool:acquire')
  const release = channel('connmgr:pool:release')
  const subscribers = {
    start: NOTHING,
    end: NOTHING,
    asyncStart: NOTHING,
    asyncEnd: NOTHING,
    error: NOTHING,
  }
  acquire.subscribe(subscribers)
  release.subscribe(NOTHING)
  return () => {
    acquire.unsubscribe(subscribers)
    release.unsubscribe(NOTHING)
  }
}

export const hotPath: Suite = {
  name: 'hot-path',
  about: 'acquire + release of a fake connection, pool of 10',
  peers: ['pg-pool', 'tarn', 'generic-pool', 'lightning-pool'],
  async run({ quick, rounds }) {
    const kinds = [connmgr(), pgPool, tarn, genericPool, lightningPool, floor]
    const operations = quick ? 15_000 : 200_000
    const results: Record<string, Measured> = {}
    for (const callers of CALLERS) {
      results[`callers-${callers}`] = {
        times: await measure(kinds, callers, operations, quick ? QUICK_ROUNDS : rounds),
      }
    }
    const add = async (more: readonly PoolKind[]): Promise<void> => {
      for (const callers of CALLERS) {
        const { times } = results[`callers-${callers}`] as Measured
        Object.assign(times, await measure(more, callers, operations / 5, rounds))
      }
    }
    await add(WITH_MORE)
    // Last: a channel that once had subscribers remains slower to ask for them, for the whole process.
    const stop = trace()
    await add([TRACED])
    stop()
    return results
  },
}

async function measure(
  kinds: readonly PoolKind[],
  callers: number,
  operations: number,
  rounds: number,
): Promise<Times> {
  const pools = kinds.map((kind) => ({ name: kind.name, pool: kind.open({ size: SIZE }) }))
  const times = await interleave(
    pools.map(({ name, pool }) => ({
      name,
      run: () => acquireAndRelease(pool, callers, operations),
    })),
    rounds,
  )
  for (const { pool } of pools) await pool.close()
  return times
}
