import { type Probe, type ProbeResult, type Role, toError } from '@connmgr/core'
import { classify } from './classify.js'
import { STANDBY_TIMELINE } from './positions.js'
import type { Session } from './session.js'

type Row = [
  standby: boolean,
  readOnly: string,
  systemId: string | null,
  timeline: number | null,
  position: string | null,
  startedAt: string | null,
]

/**
 * One statement that is valid on a primary and on a standby. The timeline of a primary is read from the name of the
 * WAL file it writes, because `pg_control_checkpoint` shows a promotion only after the next checkpoint; that function
 * errors on a standby, hence the CASE.
 */
const FULL = `
select pg_is_in_recovery(),
       current_setting('transaction_read_only'),
       (select system_identifier::text from pg_control_system()),
       case when pg_is_in_recovery() then ${STANDBY_TIMELINE}
            else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end,
       ((case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end) - '0/0')::text,
       pg_postmaster_start_time()::text`

/** For roles and servers that are not allowed, or do not have, the functions above. */
const PLAIN = `
select pg_is_in_recovery(), current_setting('transaction_read_only'), null, null, null, null`

/** For what only speaks the protocol. */
const MINIMAL = `select false, 'off', null, null, null, null`

const QUESTIONS = [FULL, PLAIN, MINIMAL]

/** Asks a server what it is, over a session of its own. */
export class PgProbe implements Probe {
  readonly #session: Session
  #question = 0

  constructor(session: Session) {
    this.#session = session
  }

  check(signal: AbortSignal): Promise<ProbeResult> {
    if (signal.aborted) return Promise.reject(toError(signal.reason))
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(toError(signal.reason)), { once: true })
    })
    return Promise.race([this.#ask(), aborted])
  }

  destroy(): void {
    this.#session.destroy()
  }

  async #ask(): Promise<ProbeResult> {
    for (;;) {
      try {
        const { rows } = await this.#session.ask<Row>(QUESTIONS[this.#question] as string)
        return this.#describe(rows[0] as Row)
      } catch (error) {
        const canAskLess = this.#question < QUESTIONS.length - 1
        if (!canAskLess || classify(error) !== 'statement') throw error
        this.#question += 1
      }
    }
  }

  #describe([standby, readOnly, systemId, timeline, position, startedAt]: Row): ProbeResult {
    const asked = QUESTIONS[this.#question] !== MINIMAL
    const role: Role = !asked ? 'unknown' : standby ? 'standby' : 'primary'
    return {
      role,
      writable: !standby && readOnly === 'off',
      ...(systemId === null ? {} : { systemId }),
      ...(timeline === null ? {} : { timeline }),
      ...(position === null ? {} : { position: BigInt(position) }),
      ...(startedAt === null ? {} : { startedAt }),
    }
  }
}
