import { channel } from 'node:diagnostics_channel'
import type { QueryContext } from '@connmgr/core'

type Open = { -readonly [K in keyof QueryContext]: QueryContext[K] }

const START = channel('tracing:connmgr:query:start')
const CALLED = channel('tracing:connmgr:query:end')
const END = channel('tracing:connmgr:query:asyncEnd')

/** Publishes a statement as a driver would, with made-up times. */
export function publishQuery(
  manager: number,
  text: string,
  outcome: Partial<QueryContext> = {},
): void {
  const context: Open = {
    manager,
    pool: 'made up',
    database: outcome.database ?? 'postgresql',
    text,
    startedAt: outcome.startedAt ?? 0,
  }
  if (outcome.lease !== undefined) context.lease = outcome.lease
  START.publish(context)
  CALLED.publish(context)
  END.publish(Object.assign(context, { waitMs: 0, runMs: 1, rowCount: 1 }, outcome))
}
