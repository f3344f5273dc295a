import { BoundedTexts } from '@connmgr/core/driver'
import { type StatementShape, statementsOf } from '../text/shape.js'

/** What running a text does to the meaning of the texts that come after it on the same connection. */
export interface Meaning {
  /** Whether it may make, alter or drop what names lead to: for this session alone, or for everybody. */
  readonly defines: 'no' | 'here' | 'everywhere'
  /** A setting by which later texts are understood; 'unknown' for one that its text does not tell. */
  readonly sets: Setting | 'unknown' | undefined
  /** It takes back a part of a transaction, with what that has defined and set. */
  readonly undoes: boolean
  /** It may have the server forget prepared statements. */
  readonly forgets: boolean
}

/** A role or a search path, as the text that sets it has it. */
export interface Setting {
  readonly name: 'role' | 'search_path'
  readonly value: string
  /** Until the transaction ends. */
  readonly local: boolean
}

/** Of a text after which all others mean what they meant before. */
export const PLAIN: Meaning = { defines: 'no', sets: undefined, undoes: false, forgets: false }

/** Of a text that calls a function which may make something that names lead to from then on. */
export const DEFINES_HERE: Meaning = { ...PLAIN, defines: 'here' }

/** Of the texts whose meanings are kept, and what those take. */
const MOST_CHARACTERS = 1024 * 1024
const KNOWN = new BoundedTexts<Meaning>(MOST_CHARACTERS)

const READS_OR_CHANGES_ROWS =
  /^\s*(?:(select|with)|insert|update|delete|merge|values|table)(?![\w$])/i
const SETS_BY_CALL = /set_config|pg_settings/i
const DEFINES = /\b(?:create|alter|drop|import|reassign)\b/i
const SETS = /\b(?:set|reset|set_config|discard)\b/i
const FORGETS = /\b(?:discard|deallocate)\b/i
const SET_ROLE_OR_PATH =
  /^\s*set\s+(?:(session|local)\s+)?(role|search_path|schema)\b\s*(?:=|to\b)?\s*(\S.*?)\s*;?\s*$/is
const CUSTOM_IN_QUOTES = /^\s*set\s+(?:(?:session|local)\s+)?"[^"]*\.[^"]*"/i
const CALL_OF_SET_CONFIG = /set_config\s*\(\s*'([^']*)'\s*,/gi
const TEMPORARY: ReadonlySet<string> = new Set(['temp', 'temporary', 'local', 'global'])

/** The server tells of these by itself when they change; see {@link SessionContext}. */
const REPORTED: ReadonlySet<string> = new Set(
  `authorization client_encoding datestyle intervalstyle names session_authorization standard_conforming_strings time
  timezone`.split(/\s+/),
)
/** Settings that have no say in what a text means. */
const HARMLESS =
  /^(?:application_name|characteristics|client_min_messages|commit_\w+|constraints|cursor_tuple_fraction|deadlock_timeout|default_transaction_\w+|effective_\w+|enable_\w+|from_collapse_limit|geqo\w*|idle_\w+|jit\w*|join_collapse_limit|lock_timeout|log_\w+|maintenance_work_mem|max_parallel_\w+|parallel_\w+|plan_cache_mode|row_security|session_replication_role|statement_timeout|synchronous_commit|temp_buffers|track_\w+|transaction|transaction_\w+|work_mem|\w+_cost)$/

/** What a text does to the meaning of others. Each text is read once. */
export function meaningOf(text: string): Meaning {
  let meaning = KNOWN.get(text)
  if (meaning === undefined) {
    meaning = read(text)
    KNOWN.set(text, meaning)
  }
  return meaning
}

function read(text: string): Meaning {
  const found = READS_OR_CHANGES_ROWS.exec(text)
  const alone = !text.includes(';')
  const mayMakeTable = found?.[1] !== undefined && /\binto\b/i.test(text)
  if (found !== null && alone && !mayMakeTable && !SETS_BY_CALL.test(text)) return PLAIN
  const statements = statementsOf(text)
  if (statements !== undefined) return combined(text, statements)
  // What cannot be read with certainty: a name in other letters, a literal without an end.
  if (found !== null && alone) {
    return {
      ...PLAIN,
      defines: mayMakeTable ? 'everywhere' : 'no',
      sets: SETS_BY_CALL.test(text) ? 'unknown' : undefined,
    }
  }
  return {
    defines: DEFINES.test(text) ? 'everywhere' : 'no',
    sets: SETS.test(text) ? 'unknown' : undefined,
    undoes: /\b(?:rollback|abort)\b/i.test(text),
    forgets: FORGETS.test(text),
  }
}

function combined(text: string, statements: readonly StatementShape[]): Meaning {
  const each = statements.map((statement) => meaningOfOne(statement, text))
  if (each.length === 1) return each[0] as Meaning
  if (each.every((meaning) => meaning === PLAIN)) return PLAIN
  const defines = each.map((meaning) => meaning.defines)
  return {
    defines: defines.includes('everywhere')
      ? 'everywhere'
      : defines.includes('here')
        ? 'here'
        : 'no',
    // Which of them counts in the end depends on where a transaction begins and ends between them.
    sets: each.some(({ sets }) => sets !== undefined) ? 'unknown' : undefined,
    undoes: each.some(({ undoes }) => undoes),
    forgets: each.some(({ forgets }) => forgets),
  }
}

function meaningOfOne(statement: StatementShape, text: string): Meaning {
  const [first = '', second = ''] = statement.head
  switch (first) {
    case 'create':
      return defining(TEMPORARY.has(second) ? 'here' : 'everywhere')
    case 'alter':
    case 'drop':
    case 'import':
    case 'reassign':
      return defining('everywhere')
    case 'do':
      return {
        ...PLAIN,
        defines: DEFINES.test(text) ? 'everywhere' : 'no',
        sets: /set_config|search_path|\bset\s/i.test(text) ? 'unknown' : undefined,
        forgets: FORGETS.test(text),
      }
    case 'explain':
      return DEFINES.test(text) ? defining('everywhere') : PLAIN
    case 'set':
      return setting(statement, text)
    case 'reset':
      return isHarmless(second) ? PLAIN : { ...PLAIN, sets: 'unknown' }
    case 'discard':
      return {
        ...PLAIN,
        defines: second === 'all' || second.startsWith('temp') ? 'here' : 'no',
        forgets: second === 'all',
      }
    case 'deallocate':
      return { ...PLAIN, forgets: true }
    case 'rollback':
    case 'abort':
      return second === 'prepared' ? defining('everywhere') : { ...PLAIN, undoes: true }
    case 'commit':
      return second === 'prepared' ? defining('everywhere') : PLAIN
    default:
      return ofCalls(statement, text)
  }
}

function ofCalls(statement: StatementShape, text: string): Meaning {
  if (statement.selectsInto) return defining('everywhere')
  if (statement.calls.has('set_config') && !setsHarmlessly(text))
    return { ...PLAIN, sets: 'unknown' }
  return statement.changesRows && statement.names.has('pg_settings')
    ? { ...PLAIN, sets: 'unknown' }
    : PLAIN
}

function defining(defines: 'here' | 'everywhere'): Meaning {
  return { ...PLAIN, defines }
}

function setting({ head, members }: StatementShape, text: string): Meaning {
  const [, second, third] = head
  const name = second === 'session' || second === 'local' ? third : second
  // One with a dot is a program's own, which only functions read.
  if (isHarmless(name) || members.size > 0 || CUSTOM_IN_QUOTES.test(text)) return PLAIN
  const found = SET_ROLE_OR_PATH.exec(text)
  if (found === null) return { ...PLAIN, sets: 'unknown' }
  const [, scope, what = '', value = ''] = found
  return {
    ...PLAIN,
    sets: {
      name: what.toLowerCase() === 'role' ? 'role' : 'search_path',
      value: value.toLowerCase(),
      local: scope?.toLowerCase() === 'local',
    },
  }
}

function setsHarmlessly(text: string): boolean {
  const calls = text.match(/set_config/gi)?.length ?? 0
  const names = [...text.matchAll(CALL_OF_SET_CONFIG)].map(([, name = '']) => name.toLowerCase())
  return names.length === calls && names.every((name) => name.includes('.') || isHarmless(name))
}

function isHarmless(name: string | undefined): boolean {
  return name !== undefined && (REPORTED.has(name) || HARMLESS.test(name))
}
