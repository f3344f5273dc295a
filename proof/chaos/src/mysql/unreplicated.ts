import type { MysqlNode } from '@connmgr/testing'
import type { Witness } from '../measure.js'
import type { Measurements } from '../scenario.js'
import type { Service } from './service.js'

interface Copies {
  readonly id: string
  readonly copies: number | string
}

/** What became of the ledger where replication is asynchronous. */
export interface Unreplicated {
  /** Writes count as lost in them only if no server has them. */
  readonly measured: Measurements
  /** Acknowledged before the crash, on the old primary, and not on the kept one: what asynchronous replication loses. */
  readonly lostUnreplicated: number
  /** Begun after the crash, and on the old primary alone: what fencing must prevent. */
  readonly writtenSince: number
}

/** Ends the service, and counts apart what only the old primary has, which no client could have kept. */
export async function checkUnreplicated(
  service: Service,
  { kept, old, crashedAt }: { kept: MysqlNode; old: MysqlNode; crashedAt: number },
): Promise<Unreplicated> {
  const alone = new Set<string>()
  const both: Witness = {
    query: async (sql) => {
      const rows = await kept.query<Copies>(sql)
      const known = new Set(rows.map(({ id }) => id))
      const missing = (await old.query<Copies>(sql)).filter(({ id }) => !known.has(id))
      for (const { id } of missing) alone.add(id)
      return [...rows, ...missing]
    },
  }
  const measured = await service.finish(both)
  const writes = service.load.operations.filter(({ id }) => id !== undefined && alone.has(id))
  return {
    measured,
    lostUnreplicated: writes.filter(({ failure }) => failure === undefined).length,
    writtenSince: writes.filter(({ startedAt }) => startedAt > crashedAt).length,
  }
}
