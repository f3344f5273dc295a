import { type ReplayPosition, UnsupportedError, type WritePosition } from '@connmgr/core'
import { classify } from './classify.js'
import type { Session } from './session.js'

/**
 * Where the next record goes, and not only what has been written out: with `synchronous_commit = off` a transaction is
 * committed before that.
 */
const WRITTEN = `
select (select system_identifier::text from pg_control_system()),
       ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int,
       (pg_current_wal_insert_lsn() - '0/0')::text,
       current_setting('wal_block_size'),
       pg_size_bytes(current_setting('wal_segment_size'))::text`

/**
 * The highest timeline that a standby is known to follow. What it streams says so at once, but only to superusers and
 * members of pg_read_all_stats; the control file, which everybody may ask, after the next restartpoint.
 */
export const STANDBY_TIMELINE = `
greatest((select timeline_id from pg_control_checkpoint()),
         (select min_recovery_end_timeline from pg_control_recovery()),
         (select received_tli from pg_stat_wal_receiver))`

const REPLAYED = `
select (pg_last_wal_replay_lsn() - '0/0')::text, ${STANDBY_TIMELINE}
 where pg_is_in_recovery()`

/** Headers of a page and of the first page of a segment, src/include/access/xlog_internal.h. */
const PAGE_HEADER = 24n
const SEGMENT_HEADER = 40n

/** @throws UnsupportedError `CONNMGR_UNSUPPORTED` where these functions are missing or forbidden */
export async function askWritePosition(session: Session): Promise<WritePosition> {
  try {
    const { rows } = await session.ask<[string, number, string, string, string]>(WRITTEN)
    const [systemId, timeline, position, pageSize, segmentSize] = rows[0] as (typeof rows)[0]
    const end = endOfRecord(BigInt(position), BigInt(pageSize), BigInt(segmentSize))
    return { systemId, timeline, position: end }
  } catch (error) {
    throw unsupported(error)
  }
}

/** Undefined if the server is no standby. */
export async function askReplayPosition(session: Session): Promise<ReplayPosition | undefined> {
  const { rows } = await session.ask<[string | null, number]>(REPLAYED)
  const [position, timeline] = rows[0] ?? []
  return position == null ? undefined : { position: BigInt(position), timeline }
}

/**
 * At the start of a page the next record stands after a header that nothing has been written behind yet, and that no
 * standby replays before there is. Everything that was written ends before the page.
 */
function endOfRecord(position: bigint, pageSize: bigint, segmentSize: bigint): bigint {
  if (position % segmentSize === SEGMENT_HEADER) return position - SEGMENT_HEADER
  return position % pageSize === PAGE_HEADER ? position - PAGE_HEADER : position
}

/** undefined_function and insufficient_privilege. */
const CANNOT_TELL: ReadonlySet<unknown> = new Set(['42883', '42501'])

function unsupported(error: unknown): unknown {
  if (classify(error) !== 'statement' || !CANNOT_TELL.has((error as { code?: unknown }).code))
    return error
  return new UnsupportedError(
    `this server does not tell how far it has written: ${(error as Error).message}`,
  )
}
