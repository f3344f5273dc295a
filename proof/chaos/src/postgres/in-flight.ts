import type { FailureClass, PostgresNode } from '@connmgr/testing'
import { failureClassOf } from '../../../demo/src/postgresql/failure-class.js'
import type { ChaosContext } from './context.js'

/** The answer that the caller of an operation got. */
export type Fate = 'done' | FailureClass

export function fateOf(running: Promise<unknown>): Promise<Fate> {
  return running.then(
    () => 'done' as const,
    (error: unknown) => failureClassOf(error),
  )
}

/** Waits until so many sessions of ours are held up on a server: they sleep, wait for a lock, or for a standby. */
export async function heldUp(context: ChaosContext, node: PostgresNode, count = 1): Promise<void> {
  await context.until(async () => {
    const rows = await node.query(
      `select 1 from pg_stat_activity where pid <> pg_backend_pid() and state = 'active'
         and (wait_event in ('PgSleep', 'SyncRep') or wait_event_type = 'Lock')`,
    )
    return rows.length >= count
  }, `${count} statements are held up on ${node.name}`)
}

/** Has every COMMIT that writes a row whose id begins with `slow` take a minute. */
export const SLOW_COMMITS = `
  create function dawdle() returns trigger language plpgsql as $$
    begin perform pg_sleep(60); return null; end $$;
  create constraint trigger dawdle after insert on ledger deferrable initially deferred
    for each row when (new.id like 'slow%') execute function dawdle()`

/** Ends the sessions that are held up. */
export async function terminateHeldUp(node: PostgresNode): Promise<void> {
  await node.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and state = 'active'
     and (wait_event in ('PgSleep', 'SyncRep') or wait_event_type = 'Lock')`,
  )
}
