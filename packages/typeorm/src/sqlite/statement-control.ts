/** What a statement does with its transaction as a whole. */
export type Control = 'begin' | 'commit' | 'rollback'

const CONTROL =
  /^\s*(begin(?:\s+deferred|\s+immediate)?|commit|end|rollback)(?:\s+transaction)?\s*;?\s*$/i
/** It changes what the session keeps. */
const SESSION = /^\s*(?:pragma\s+[\w."]+\s*=|attach\b|detach\b|create\s+temp)/i
/** Means something between connections that share a cache alone, which those of a manager do not. */
const WITHOUT_EFFECT = /^\s*pragma\s+read_uncommitted\b/i

/** What a text does with the transaction; undefined for all that is no plain beginning or end of one. */
export function controlOf(sql: string): Control | undefined {
  const word = CONTROL.exec(sql)?.[1]?.toLowerCase()
  if (word === undefined) return undefined
  if (word === 'commit' || word === 'end') return 'commit'
  return word === 'rollback' ? 'rollback' : 'begin'
}

/** Whether a query runner that has run the statement counts on having the same session for its next one. */
export function keepsItsConnection(sql: string): boolean {
  return SESSION.test(sql) && !WITHOUT_EFFECT.test(sql)
}
