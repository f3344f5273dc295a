/** Functions of the server that change with each call and yet write nothing, and call nothing of a user's. */
export const HARMLESS_THOUGH_VOLATILE: readonly string[] = words(`
  array_sample array_shuffle clock_timestamp current_query gen_random_uuid pg_backend_pid
  pg_available_wal_summaries pg_blocking_pids pg_collation_actual_version pg_control_checkpoint pg_control_init
  pg_control_recovery pg_control_system pg_current_logfile pg_current_wal_flush_lsn pg_current_wal_insert_lsn
  pg_current_wal_lsn pg_current_xlog_location pg_database_collation_actual_version pg_database_size
  pg_get_wal_replay_pause_state pg_get_wal_resource_managers pg_get_wal_summarizer_state pg_indexes_size
  pg_is_in_recovery pg_is_wal_replay_paused pg_jit_available pg_last_committed_xact pg_last_wal_receive_lsn
  pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_lock_status pg_notification_queue_usage
  pg_partition_ancestors pg_partition_tree pg_prepared_xact pg_relation_size pg_safe_snapshot_blocking_pids
  pg_sequence_last_value pg_sleep pg_sleep_for pg_sleep_until pg_stat_get_xact_blocks_fetched
  pg_stat_get_xact_blocks_hit pg_stat_get_xact_function_calls pg_stat_get_xact_numscans pg_stat_have_stats
  pg_table_size pg_tablespace_size pg_total_relation_size pg_xact_commit_timestamp pg_xact_commit_timestamp_origin
  pg_xact_status random random_normal timeofday txid_status uuidv4 uuidv7`)

/**
 * Functions of the server that do not count as changing with each call, but run a query, read a relation or check a
 * value of a type that they are given as text or as a row, and so may call anything.
 */
export const RUNS_WHAT_IT_IS_GIVEN: readonly string[] = words(`
  cursor_to_xml cursor_to_xmlschema database_to_xml database_to_xml_and_xmlschema database_to_xmlschema
  pg_input_error_info pg_input_is_valid query_to_xml query_to_xml_and_xmlschema query_to_xmlschema schema_to_xml
  schema_to_xml_and_xmlschema schema_to_xmlschema table_to_xml table_to_xml_and_xmlschema table_to_xmlschema ts_rewrite
  ts_stat`)

/** Functions in C of the extensions that come with PostgreSQL, of the same kind as `random`. */
export const HARMLESS_OF_EXTENSIONS: readonly string[] = words(`
  gen_random_bytes gen_random_uuid gen_salt pg_stat_statements pg_stat_statements_info uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4`)

/** Extensions that come with PostgreSQL, and whose functions in SQL are what they are declared to be. */
export const REVIEWED_EXTENSIONS: readonly string[] = ['citext', 'earthdistance']

/** Functions of the server that write, though nothing that stays with the session. */
export const WRITES_WITHOUT_SESSION: ReadonlySet<string> = new Set(
  words(`
  nextval pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_current_xact_id pg_notify pg_snapshot_xmin setval
  pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared txid_current`),
)

/**
 * Keywords, types with a length and ways of sampling: they stand before a parenthesis and call nothing of a user's,
 * unless a user's function has their name.
 */
export const SYNTAX: ReadonlySet<string> = new Set(
  words(`
  all and any array as asc between by case cast check coalesce collation columns conflict cross cube current_time
  current_timestamp desc distinct default do else end error escape except exists extract false fetch filter for from full
  greatest group grouping having ilike in inner intersect interval into is isnull join json json_array json_arrayagg
  json_exists json_object json_objectagg json_query json_scalar json_serialize json_table json_value lateral least left
  like limit localtime localtimestamp materialized merge_action natural nested normalize not notnull null nullif of offset
  on only operator or order ordinality outer over overlaps overlay partition passing path position precision range
  recursive repeatable returning right rollup row rows select set sets similar some substring symmetric table tablesample
  then ties to treat trim true union unique using values varying when where window with within xmlattributes xmlconcat
  xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable
  bernoulli bit char character dec decimal float int nchar numeric time timestamp timestamptz timetz varbit varchar bpchar system`),
)

function words(text: string): string[] {
  return text.trim().split(/\s+/)
}
