import type { IsolationLevel, TransactionOptions } from '@connmgr/core'
import { invalidOption } from '@connmgr/core/driver'

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` for a level that PostgreSQL does not have */
export function beginStatement({ isolation, readOnly }: TransactionOptions): string {
  const level = isolation === undefined ? '' : ` ISOLATION LEVEL ${levelOf(isolation)}`
  return `BEGIN${level}${readOnly === true ? ' READ ONLY' : ''}`
}

/** Only these go into SQL. */
const LEVELS: ReadonlyMap<unknown, string> = new Map([
  ['read uncommitted', 'READ UNCOMMITTED'],
  ['read committed', 'READ COMMITTED'],
  ['repeatable read', 'REPEATABLE READ'],
  ['serializable', 'SERIALIZABLE'],
])

function levelOf(isolation: IsolationLevel): string {
  const level = LEVELS.get(isolation)
  if (level === undefined)
    throw invalidOption('isolation', isolation, `one of ${[...LEVELS.keys()].join(', ')}`)
  return level
}
