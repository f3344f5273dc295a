import type { MissingRight } from '@connmgr/core'
import { mayExecute } from './may-execute.js'
import { STANDBY_TIMELINES } from './places.js'

/** What a probe reads: one row. */
export type ProbeRow = readonly [
  standby: string | null,
  readOnly: string | null,
  systemId: string | null,
  /** Of a primary: the name of the WAL file that it writes, which begins with the timeline. */
  walFile: string | null,
  /** Where there is no such name: the highest timeline that is known otherwise. */
  timeline: string | null,
  position: string | null,
  startedAt: string | null,
  /** `idle_session_timeout` of the session, where there is one. */
  idleLimit: string | null,
]

/** The functions and views that a role may be kept from, by what they are asked for. */
const SOURCES = {
  system: ['pg_control_system()'],
  walFile: ['pg_walfile_name(pg_lsn)', 'pg_current_wal_lsn()'],
  checkpoint: ['pg_control_checkpoint()'],
  recovery: ['pg_control_recovery()'],
  receiver: ['pg_stat_get_wal_receiver()'],
  written: ['pg_current_wal_lsn()', 'pg_wal_lsn_diff(pg_lsn,pg_lsn)'],
  replayed: ['pg_last_wal_replay_lsn()', 'pg_wal_lsn_diff(pg_lsn,pg_lsn)'],
  startedAt: ['pg_postmaster_start_time()'],
} as const

type Source = keyof typeof SOURCES

const NAMES = Object.keys(SOURCES) as readonly Source[]

/** What a role may ask. */
export type Rights = ReadonlySet<Source>

export const ALL_RIGHTS: Rights = new Set(NAMES)

/** For servers that tell nothing of themselves but whether they are in recovery. */
export const NO_RIGHTS: Rights = new Set()

/** What is left of rights where the write-ahead log is no matter of the server's. */
export function withoutLog(rights: Rights): Rights {
  return new Set((['system', 'startedAt'] as const).filter((source) => rights.has(source)))
}

/** For what only speaks the protocol. */
export const MINIMAL = `select 'f', 'off', null, null, null, null, null, null`

/**
 * One statement that is valid on a primary and on a standby. The timeline of a primary is read from the name of the WAL
 * file it writes, because `pg_control_checkpoint` shows a promotion only after the next checkpoint; that function errors
 * on a standby, hence the CASE.
 *
 * @param mode the setting that tells whether the server takes writes
 */
export function questionFor(
  rights: Rights,
  mode: 'transaction_read_only' | 'default_transaction_read_only' = 'transaction_read_only',
): string {
  const ask = (source: Source, expression: string): string =>
    rights.has(source) ? expression : 'null'
  const timelines = (['checkpoint', 'recovery', 'receiver'] as const)
    .filter((source) => rights.has(source))
    .map((source) => STANDBY_TIMELINES[source])
  const role = 'pg_catalog.pg_is_in_recovery()'
  return `
select ${role},
       pg_catalog.current_setting('${mode}'),
       ${ask('system', '(select system_identifier from pg_catalog.pg_control_system())')},
       case when ${role} then null
            else ${ask('walFile', 'pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn())')} end,
       ${timelines.length === 0 ? 'null' : `greatest(${timelines.join(', ')})`},
       case when ${role}
            then ${ask('replayed', "pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_last_wal_replay_lsn(), '0/0')")}
            else ${ask('written', "pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')")} end,
       ${ask('startedAt', 'pg_catalog.pg_postmaster_start_time()')},
       pg_catalog.current_setting('idle_session_timeout', true)`
}

/** Asks which functions there are that this role may execute. */
export async function askRights(
  run: (question: string) => Promise<readonly (string | null)[]>,
): Promise<Rights> {
  const each = NAMES.map((source) => SOURCES[source].map((name) => mayExecute(name)).join(' and '))
  const row = await run(`select ${each.join(',\n       ')}`)
  return new Set(NAMES.filter((_source, index) => row[index] === 't'))
}

/** What a role is kept from, and what that turns off. Where another source tells the same, nothing is missing. */
export function missingRights(rights: Rights): MissingRight[] {
  const lacks = (source: Source, turnsOff: string): MissingRight[] =>
    rights.has(source) ? [] : [{ name: SOURCES[source].join(', '), turnsOff }]
  const standby = ['checkpoint', 'recovery', 'receiver'] as const
  const hidden = standby.every((source) => !rights.has(source))
  return [
    ...lacks(
      'system',
      'the identity of the cluster: a server of another cluster is not distinguished from one of ours, and what a topology source names is not used',
    ),
    ...lacks(
      'walFile',
      'the timeline of a primary: an old primary that comes back is recognised only by promotions that were seen',
    ),
    ...(hidden ? lacks('checkpoint', 'the timeline of a standby') : []),
    ...lacks('written', 'how far standbys are behind, and reading what one has written'),
    ...lacks('replayed', 'how far standbys are behind, and reading what one has written'),
    ...lacks('startedAt', 'telling one server under two names from two servers'),
  ]
}
