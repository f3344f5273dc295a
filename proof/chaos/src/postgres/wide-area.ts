import type { PgConnectionManager, PgManagerOptions } from '@connmgr/pg'
import type { FaultProxy, PostgresCluster, PostgresNode } from '@connmgr/testing'
import { Recorder } from '../recorder.js'
import { useCertificate } from './certificate.js'
import type { ChaosContext } from './context.js'

/** A primary and its standby that ask for TLS and SCRAM, far away. */
export interface WideArea {
  readonly cluster: PostgresCluster
  readonly proxies: readonly FaultProxy[]
  /** Of the primary first. */
  readonly urls: readonly string[]
  /** Options by which a manager reaches them; `count` of the URLs. */
  options(count: number): PgManagerOptions
  /** A manager that leads there, and what it tells. */
  open(
    count: number,
    options?: PgManagerOptions,
  ): { manager: PgConnectionManager; recorder: Recorder }
  /** Of one server, as the manager calls it. */
  endpointOf(index: number): string
}

export async function wideArea(context: ChaosContext): Promise<WideArea> {
  const cluster = await context.cluster({ standbys: 1, hbaMethod: 'scram-sha-256' })
  const proxies: FaultProxy[] = []
  const trusted: string[] = []
  for (const node of cluster.nodes) {
    trusted.push(await useCertificate(context, node))
    proxies.push(await context.proxy(node))
  }
  const urls = cluster.nodes.map((node, index) => throughProxy(node, proxies[index] as FaultProxy))
  const options = (count: number): PgManagerOptions => ({
    databaseUrl: urls[0] as string,
    failoverUrls: urls.slice(1, count),
    ssl: { ca: trusted },
    acquireTimeoutMs: 60_000,
  })
  return {
    cluster,
    proxies,
    urls,
    options,
    open(count, more = {}) {
      const manager = context.manager({ ...options(count), ...more })
      return { manager, recorder: new Recorder(manager) }
    },
    endpointOf: (index) => `${proxies[index]?.host}:${proxies[index]?.port}/postgres`,
  }
}

/** A round trip, and what makes it uneven; all in milliseconds but the share of segments that are stalled. */
export function roughen(
  { proxies }: WideArea,
  roundTripMs: number,
  { jitterMs = 0, stalled = 0, stallMs = 800 } = {},
): void {
  for (const proxy of proxies) {
    proxy.latency(roundTripMs / 2)
    proxy.jitter(jitterMs)
    proxy.stalls(stalled, stallMs)
  }
}

function throughProxy(node: PostgresNode, proxy: FaultProxy): string {
  return node.url().replace(`:${node.port}/`, `:${proxy.port}/`)
}

/** Servers that were called down although they answered, and callers that were moved. */
export function falseAlarms(recorder: Recorder, from: number): number {
  const down = recorder.of('endpointStateChanged', from).filter(({ event }) => event.to === 'DOWN')
  return down.length + recorder.of('failoverStarted', from).length
}
