/** Statements that change nothing outside of their session; what they set up goes with it. */
const OF_THE_SESSION = new Set([
  'BEGIN',
  'START',
  'SET',
  'RESET',
  'SHOW',
  'ABORT',
  'ROLLBACK',
  'SAVEPOINT',
  'RELEASE',
  'LISTEN',
  'UNLISTEN',
])
const READS = new Set(['SELECT', 'VALUES', 'TABLE', 'WITH'])
/** What commits nothing before its end, so that the server's word that it was aborted holds for all of it. */
const ATOMIC = new Set([...READS, 'INSERT', 'UPDATE', 'DELETE', 'MERGE'])
const ENDS_TRANSACTION = /\b(?:commit|end|prepare|rollback|abort)\b/i
const COMMITS = /^(?:COMMIT|END|PREPARE)$/

/** What in a text is not code: literals, quoted names and comments. */
const NOT_CODE =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$[\s\S]*?\$\1\$|--[^\r\n]*|\/\*[\s\S]*?\*\//g
/** Remains of what was not understood, and letters that names may have beyond those looked for here. */
const UNCLEAR = /'|\/\*|\*\/|\$\w*\$|[^\t-~]/
const CHANGES =
  /\b(?:insert|update|delete|merge|into|truncate|call|do|copy|create|alter|drop|grant|revoke|execute)\b/i
const LOCKING_CLAUSE = /\bfor\s+(?:no\s+key\s+update|update|key\s+share|share)\b/gi
const CALL = /([\w".]+)\s*\(/g

/** What may stand before a parenthesis without being a function that the user has written. */
const HARMLESS = new Set(
  `all and any array as asc between by case cast cross desc distinct else end except exists filter from group grouping
  having ilike in intersect is join lateral left like limit natural not null offset on or order outer over partition
  right rollup cube row select sets similar some symmetric table then to union using values when where window with within
  materialized recursive only bit char character decimal float interval numeric time timestamp varchar varying
  abs age array_agg array_length array_position array_remove array_to_json array_to_string avg bool_and bool_or btrim
  cardinality ceil ceiling char_length clock_timestamp coalesce concat concat_ws convert_from count cume_dist
  current_database current_schema current_setting date date_bin date_part date_trunc decode dense_rank div encode every
  exp extract first_value floor format gen_random_uuid generate_series greatest initcap isfinite
  json_agg json_array_elements json_array_length json_build_array json_build_object json_object_agg jsonb_agg
  jsonb_array_elements jsonb_array_length jsonb_build_array jsonb_build_object jsonb_object_agg jsonb_path_exists
  jsonb_path_query jsonb_typeof jsonb_extract_path jsonb_extract_path_text json_extract_path json_extract_path_text
  justify_days justify_hours justify_interval lag last_value lead least length ln localtimestamp log lower lpad ltrim
  make_date make_interval make_timestamp make_timestamptz max md5 min mod mode now nth_value ntile nullif octet_length
  overlaps overlay percent_rank percentile_cont percentile_disc pg_backend_pid pg_is_in_recovery pg_sleep
  phraseto_tsquery plainto_tsquery position power quote_ident quote_literal
  quote_nullable random rank regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table
  repeat replace reverse right round row_number row_to_json rpad rtrim sha256 sign similarity split_part sqrt
  starts_with statement_timestamp stddev string_agg string_to_array strpos substr substring sum to_char to_date to_json
  to_jsonb to_number to_regclass to_timestamp to_tsquery to_tsvector transaction_timestamp translate trim trunc ts_rank
  unnest upper variance version websearch_to_tsquery width_bucket`.split(/\s+/),
)

/**
 * Whether a text shows plainly that it writes nothing that outlives its session: a single statement that reads, without
 * a function that is not known to be harmless. What a view or an operator calls cannot be seen. In doubt the answer is no.
 */
export function isPlainRead(text: string): boolean {
  const code = codeOf(text)
  if (code === undefined) return false
  const first = firstWord(code)
  if (OF_THE_SESSION.has(first)) return !/\bprepared\b/i.test(code)
  if (!READS.has(first) || CHANGES.test(code.replace(LOCKING_CLAUSE, ' '))) return false
  for (const [, name = ''] of code.matchAll(CALL))
    if (!HARMLESS.has(name.toLowerCase().replace(/^pg_catalog\./, ''))) return false
  return true
}

/** Whether a text is one statement that commits nothing before its end. */
export function isAtomic(text: string): boolean {
  const code = codeOf(text)
  return code !== undefined && ATOMIC.has(firstWord(code))
}

/** Whether a text leaves nothing behind if it fails. */
export function leavesNothing(text: string): boolean {
  const code = codeOf(text)
  if (code === undefined) return false
  const first = firstWord(code)
  return ATOMIC.has(first) || COMMITS.test(first) || OF_THE_SESSION.has(first)
}

/** Whether a text, sent inside a transaction, may have had that transaction committed, or another after it. */
export function mayCommit(text: string): boolean {
  const code = codeOf(text)
  return code === undefined ? ENDS_TRANSACTION.test(text) : COMMITS.test(firstWord(code))
}

/** The code of a text that is a single statement, without literals and comments; undefined if that cannot be told. */
function codeOf(text: string): string | undefined {
  // Where a literal with a backslash ends depends on its kind and on a setting.
  if (text.includes('\\')) return undefined
  const code = text.replace(NOT_CODE, (found) => (found.startsWith('"') ? '"' : ' '))
  if (UNCLEAR.test(code)) return undefined
  const semicolon = code.indexOf(';')
  if (semicolon === -1) return code
  return code.slice(semicolon).trim() === ';' ? code.slice(0, semicolon) : undefined
}

function firstWord(code: string): string {
  return /^[\s(]*([a-z]*)/i.exec(code)?.[1]?.toUpperCase() ?? ''
}
