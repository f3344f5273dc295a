import { now } from '../now.js'
import type { RoundContext } from '../round-context.js'
import type { Measurements } from '../scenario.js'
import type { ServerNode } from '../server-node.js'
import type { AnyManager, ClusterService } from '../service.js'

const DOWN_MS = 500

/** How the old primary comes back. */
export interface Return {
  /** Starts it so that it takes writes. */
  readonly start: () => Promise<void>
  /** What is to be seen while it is fenced. */
  readonly meanwhile?: () => Promise<Measurements>
}

/** The old primary is back and believes to be one: whatever it took would be lost, so it gets nothing. */
export async function fenceReturning<N extends ServerNode>(
  context: RoundContext,
  service: ClusterService<N, AnyManager>,
  { meanwhile, start }: Return,
): Promise<Measurements> {
  const { primary, recorder, standby } = service
  context.step('kill -9 of the primary')
  const crashedAt = now()
  await primary.crash()
  const promotion = await service.promote(standby)
  await service.writes(10)
  context.step('the old primary starts as it was')
  const startedAt = now()
  await start()
  const before = await rowsOf(primary)
  const fencedMs = await service.reaches(primary, ['FENCED'], startedAt)
  await service.writes(50)
  const written = (await rowsOf(primary)) - before
  context.expect(written === 0, `${written} writes went to the fenced server`)
  const seen = await meanwhile?.()
  context.step('the new primary restarts while the fenced one answers')
  await standby.stop()
  await context.sleep(DOWN_MS)
  await standby.start()
  await service.writes(10)
  const later = (await rowsOf(primary)) - before
  context.expect(later === 0, `${later} writes went to the fenced server`)
  context.expect(recorder.moves(startedAt) === 0, 'callers were moved')
  const measured = await service.finish(standby)
  service.expectNoFailedAcquire()
  return {
    detectionMs: service.detectionMs(primary, crashedAt),
    firstWriteMs: service.firstWriteMs(promotion),
    fencedMs,
    writtenToFenced: later,
    ...seen,
    ...measured,
  }
}

async function rowsOf(node: ServerNode): Promise<number> {
  const [row] = await node.query<{ written: number | string }>(
    'select count(*) as written from ledger',
  )
  // node-postgres reads a count as text.
  return Number(row?.written ?? Number.NaN)
}
