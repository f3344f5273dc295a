import { setTimeout as delay } from 'node:timers/promises'
import { startFaultProxy } from '@connmgr/testing'
import { now } from '../now.js'
import type { Peer } from './client.js'
import type { Fault, Times } from './fault.js'
import { FINAL_MS, isCalm, judge, type Outcome } from './outcome.js'
import type { PeerDatabase } from './peer-database.js'
import { PeerProcess } from './peer-process.js'

/** Load before the fault. */
const STEADY_MS = 1500
const LOOK_MS = 100

/** One client under one fault, on a cluster of its own. */
export async function runRound(
  database: PeerDatabase,
  peer: Peer,
  fault: Fault,
  times: Times,
): Promise<Outcome> {
  const cluster = await database.startCluster()
  const cleanups: (() => Promise<void>)[] = [() => cluster.stop()]
  try {
    const proxy = fault.throughProxy
      ? await startFaultProxy({ target: cluster.primary })
      : undefined
    if (proxy !== undefined) cleanups.push(() => proxy.close())
    let urls = cluster.nodes.map((node) => node.url())
    if (proxy !== undefined) urls = [throughPort(urls[0], proxy.port), ...urls.slice(1)]
    if (peer.route === 'haproxy') {
      if (database.startRouter === undefined)
        throw new Error(`there is no HAProxy for ${database.name}`)
      const router = await database.startRouter(cluster, urls)
      cleanups.push(() => router.stop())
      urls = [router.url]
    }
    const process = new PeerProcess()
    cleanups.push(() => process.kill())
    await process.open(database.name, peer.name, urls as [string, ...string[]])
    process.start()
    await delay(STEADY_MS)
    const moments = await fault.inject({ cluster, proxy, times })
    await observe(process, times)
    const endedAt = now()
    await process.stop()
    const crashed = process.crash !== undefined
    const outcome = await judge(cluster.primary, {
      writes: process.writes,
      moments,
      endedAt,
      crashed,
    })
    return process.crash === undefined
      ? outcome
      : { ...outcome, errors: { ...outcome.errors, [process.crash]: 1 } }
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup()
  }
}

/** Looks on until the client has recovered, has crashed, or has had its time. */
async function observe(process: PeerProcess, times: Times): Promise<void> {
  const start = now()
  while (process.crash === undefined) {
    const at = now()
    if (at - start >= times.observedMs) return
    if (at - start >= FINAL_MS && isCalm(process.writes, at)) return
    await delay(LOOK_MS)
  }
}

function throughPort(url: string | undefined, port: number): string {
  const changed = new URL(url as string)
  changed.port = String(port)
  return changed.href
}
