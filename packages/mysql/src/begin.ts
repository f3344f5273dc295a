import type { IsolationLevel, TransactionOptions } from '@connmgr/core'
import { invalidOption } from '@connmgr/core/driver'

/** Only these go into SQL. */
const LEVELS: ReadonlyMap<unknown, string> = new Map([
  ['read uncommitted', 'READ UNCOMMITTED'],
  ['read committed', 'READ COMMITTED'],
  ['repeatable read', 'REPEATABLE READ'],
  ['serializable', 'SERIALIZABLE'],
])

/** The statements that begin a transaction. @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
export function textsToBegin({ isolation, readOnly }: TransactionOptions): string[] {
  const begin = readOnly === true ? 'START TRANSACTION READ ONLY' : 'START TRANSACTION'
  return isolation === undefined
    ? [begin]
    : [`SET TRANSACTION ISOLATION LEVEL ${levelOf(isolation)}`, begin]
}

function levelOf(isolation: IsolationLevel): string {
  const level = LEVELS.get(isolation)
  if (level === undefined)
    throw invalidOption('isolation', isolation, `one of ${[...LEVELS.keys()].join(', ')}`)
  return level
}
