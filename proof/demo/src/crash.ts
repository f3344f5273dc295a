import type { Load } from './load.js'
import type { FailoverResult } from './result.js'
import type { Screen } from './screen.js'
import { type AnyManager, firstWrites, since, sleep, until } from './stage.js'
import type { Workload } from './workloads/workload.js'

const OUTAGE_MS = 1500

/** A server of a pair. */
interface CrashingNode {
  readonly port: number
  crash(): Promise<unknown>
}

/** How a pair of servers is broken and mended. */
export interface Pair {
  readonly primary: CrashingNode
  readonly standby: CrashingNode
  promoteStandby(): Promise<unknown>
  /** Makes the old primary a standby of the new one. */
  rebuildPrimary(): Promise<unknown>
}

/** The primary crashes under load, the standby is promoted, and the old primary comes back as a standby. */
export async function crashAndPromote(
  manager: AnyManager,
  { primary, promoteStandby, rebuildPrimary, standby }: Pair,
  workloads: readonly Workload[],
  load: Load,
  screen: Screen,
): Promise<FailoverResult> {
  let detectedAt: number | undefined
  manager.on('failoverStarted', () => {
    detectedAt ??= performance.now()
    screen.event('crash detected: writers wait, readers go on', 'yellow')
  })
  manager.on('failoverCompleted', ({ endpoint }) =>
    screen.event(`the manager follows to ${endpoint}`, 'green'),
  )
  const crashAt = new Date().toISOString()
  const crashedAt = performance.now()
  screen.event(`kill -9 of the primary on port ${primary.port} and all its processes`, 'red')
  await primary.crash()
  await sleep(OUTAGE_MS)
  await promoteStandby()
  const promotedAt = performance.now()
  screen.event(`standby on port ${standby.port} promoted`)
  await until(() => workloads.every(({ orm }) => load.firstAfter(orm, promotedAt) !== undefined))
  screen.event('every ORM writes again, in the same process, on the same objects', 'green')
  await rebuildPrimary()
  const rebuiltAt = performance.now()
  screen.event(`old primary rebuilt: port ${primary.port} is a standby now`)
  await until(() => manager.getFailoverStatus().endpoints.every((each) => each.state === 'UP'))
  screen.event('trusted again: it serves reads', 'green')
  return {
    crashAt,
    detectedAfterMs: since(detectedAt ?? Number.NaN, crashedAt),
    promotedAfterMs: since(promotedAt, crashedAt),
    firstWriteAfterPromotionMs: firstWrites(workloads, load, promotedAt),
    rebuiltAfterMs: since(rebuiltAt, crashedAt),
  }
}
