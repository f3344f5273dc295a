import { tracingChannel } from 'node:diagnostics_channel'
import { BoundedTexts } from '@connmgr/core/driver'
import type { Command, Internals } from './internals.js'

/** A statement that the server has prepared, as mysql2 keeps it. */
interface Prepared {
  execute(values: unknown, callback: unknown): Command
}

/** What mysql2's class of connections tells of them. */
interface ConnectionClass {
  statementKey?(options: { readonly sql: string }): string
}

/** Reports of mysql2 to those that trace it, which it sends from its own `execute`. */
const TRACED = tracingChannel('mysql2:execute')

/** mysql2 makes the key of a text anew for each statement, and V8 hashes it anew. */
const MOST_CHARACTERS = 256 * 1024
const KEYS = new BoundedTexts<string>(MOST_CHARACTERS)

/**
 * The prepared statement that a call of `execute` means, if mysql2 would do nothing but send that: no command is
 * before it, its arguments are plain, and nothing traces it.
 */
export function preparedCall(
  internals: Internals,
  sql: unknown,
  values: unknown,
  callback: unknown,
): Prepared | undefined {
  if (typeof sql !== 'string' || typeof callback !== 'function' || !arePlain(values))
    return undefined
  const { _command: command, _statements: statements, config } = internals
  if (command || config.infileStreamFactory !== undefined || isTraced()) return undefined
  const { statementKey } = internals.constructor as ConnectionClass
  if (statementKey === undefined || statements === undefined) return undefined
  return statements.get(keyOf(sql, statementKey)) as Prepared | undefined
}

/** What it refuses of a value it says best itself. */
function arePlain(values: unknown): values is readonly unknown[] {
  if (!Array.isArray(values)) return false
  for (const value of values) if (value === undefined || typeof value === 'function') return false
  return true
}

function isTraced(): boolean {
  return TRACED.hasSubscribers ?? TRACED.start.hasSubscribers
}

function keyOf(sql: string, statementKey: NonNullable<ConnectionClass['statementKey']>): string {
  let key = KEYS.get(sql)
  if (key === undefined) {
    key = statementKey({ sql })
    KEYS.set(sql, key)
  }
  return key
}
