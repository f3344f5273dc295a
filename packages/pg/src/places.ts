import { UnsupportedError } from '@connmgr/core'
import type { Order, Place, WritePlace } from '@connmgr/core/driver'
import { classify } from './classify.js'
import type { Session } from './session.js'

/**
 * Where the next record goes, and not only what has been written out: with `synchronous_commit = off` a transaction is
 * committed before that. Runs on connections of callers, who may have put a schema of theirs before pg_catalog.
 */
const WRITTEN = `
select (select system_identifier from pg_catalog.pg_control_system()),
       pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()),
       pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0'),
       pg_catalog.current_setting('wal_block_size'),
       pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size'))`

/**
 * Where the highest timeline that a standby is known to follow is read. What it streams says so at once, but only to
 * superusers and members of pg_read_all_stats; the control file, which everybody may ask, after the next restartpoint.
 */
export const STANDBY_TIMELINES = {
  checkpoint: '(select timeline_id from pg_catalog.pg_control_checkpoint())',
  recovery: '(select min_recovery_end_timeline from pg_catalog.pg_control_recovery())',
  receiver: '(select received_tli from pg_catalog.pg_stat_wal_receiver)',
} as const

const REPLAYED = `
select pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_last_wal_replay_lsn(), '0/0'),
       greatest(${Object.values(STANDBY_TIMELINES).join(', ')})
 where pg_catalog.pg_is_in_recovery()`

/** Headers of a page and of the first page of a segment, src/include/access/xlog_internal.h. */
const PAGE_HEADER = 24n
const SEGMENT_HEADER = 40n

/** @throws UnsupportedError `CONNMGR_UNSUPPORTED` where these functions are missing or forbidden */
export async function askWritePlace(session: Session): Promise<WritePlace> {
  try {
    const { rows } = await session.ask<[string, string, string, string, string]>(WRITTEN)
    const [cluster, walFile, position, pageSize, segmentSize] = rows[0] as (typeof rows)[0]
    const end = endOfRecord(BigInt(position), BigInt(pageSize), BigInt(segmentSize))
    return { cluster, history: timelineOf(walFile), position: lsnOf(end) }
  } catch (error) {
    throw unsupported(error)
  }
}

/** Undefined if the server is no standby. */
export async function askReadPlace(session: Session): Promise<Place | undefined> {
  const { rows } = await session.ask<[string | null, string | null]>(REPLAYED)
  const [position, timeline] = rows[0] ?? []
  if (position == null) return undefined
  return { position: lsnOf(BigInt(position)), history: timeline ?? undefined }
}

/** A history is a timeline: every promotion begins a new one, with a higher number. */
export function orderTimelines(one: string, other: string): Order {
  const more = Number(one) - Number(other)
  if (more === 0) return 'same'
  return more > 0 ? 'newer' : 'older'
}

/** Whether one position in the write-ahead log lies behind another, or is the same. */
export function coversLsn(position: string, written: string): boolean {
  return bytesOf(position) >= bytesOf(written)
}

/** A position as PostgreSQL writes it: two hexadecimal numbers of 32 bits. */
export function lsnOf(bytes: bigint): string {
  const half = (number: bigint): string => number.toString(16).toUpperCase()
  return `${half(bytes >> 32n)}/${half(bytes & 0xff_ff_ff_ffn)}`
}

function bytesOf(lsn: string): bigint {
  const [high, low] = lsn.split('/')
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`)
}

/** The first eight digits of the name of a WAL file. */
export function timelineOf(walFile: string): string {
  return String(Number.parseInt(walFile.slice(0, 8), 16))
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
