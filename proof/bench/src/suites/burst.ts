import { setTimeout as delay } from 'node:timers/promises'
import { interleave } from '../measure.js'
import { connmgr } from '../pools/connmgr.js'
import { genericPool } from '../pools/generic-pool.js'
import { lightningPool } from '../pools/lightning-pool.js'
import { pgPool } from '../pools/pg-pool.js'
import type { PoolKind } from '../pools/pool.js'
import { tarn } from '../pools/tarn.js'
import type { Suite } from '../suite.js'

const CONNECT_MS = 150
const QUERY_MS = 2
const SIZE = 5
const LIMIT = 50
const CALLERS = 50

/** Nanoseconds until all callers have been served, and the connections that it took. */
async function spike(kind: PoolKind): Promise<{ time: number; opened: number }> {
  const pool = kind.open({ size: SIZE, overflow: LIMIT - SIZE, connectMs: CONNECT_MS })
  const warm = await Promise.all(Array.from({ length: SIZE }, () => pool.acquire()))
  for (const connection of warm) pool.release(connection)
  await delay(10)
  const start = process.hrtime.bigint()
  await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      const connection = await pool.acquire()
      await delay(QUERY_MS)
      pool.release(connection)
    }),
  )
  const time = Number(process.hrtime.bigint() - start)
  // Connections that were still being opened count too: the server has their work.
  await delay(CONNECT_MS + 50)
  const { opened } = pool
  await pool.close()
  return { time, opened }
}

export const burst: Suite = {
  name: 'burst',
  about:
    '50 callers at once on 5 idle connections (limit 50, connect 150 ms, query 2 ms), until all are served',
  peers: ['pg-pool', 'tarn', 'generic-pool', 'lightning-pool'],
  ifNamed: true,
  async run({ quick, rounds }) {
    const opened: Record<string, number> = {}
    const times = await interleave(
      [connmgr(), pgPool, tarn, genericPool, lightningPool].map((kind) => ({
        name: kind.name,
        run: async () => {
          const result = await spike(kind)
          opened[kind.name] = result.opened
          return result.time
        },
      })),
      quick ? 1 : rounds,
      // It is all waiting: nothing there to warm up.
      'warm',
    )
    return { [`callers-${CALLERS}`]: { times, also: { 'connections opened': opened } } }
  },
}
