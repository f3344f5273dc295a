/**
 * What may stand before a parenthesis without changing the session: words of SQL, types, and functions of PostgreSQL
 * itself that set nothing and run no text that they are given.
 */
export const KNOWN_NAMES: ReadonlySet<string> = new Set(
  `all analyze and any array as asc between both buffers by case cast check collate columns conflict constraint costs
  cross cube current default delimiter desc distinct do else end escape except exclude exists explain filter first for
  format from full group grouping groups having ilike in inner insert intersect into is isnull join key last lateral
  leading left like limit materialized merge natural next no not notnull nothing null nulls of offset on only or order
  ordinality outer over overriding partition preceding primary range recursive references returning right rollup row rows
  search select set sets settings similar some summary symmetric table tablesample then timing to trailing truncate union
  unique unknown update using value values verbose wal when where window with within xor

  bigint bit bool boolean box bpchar bytea char character cidr circle date daterange decimal double float float4 float8
  inet int int2 int4 int4range int8 int8range integer interval json jsonb line lseg macaddr money name numeric numrange
  oid path point polygon precision real regclass regproc regtype smallint text time timestamp timestamptz timetz
  tsquery tsrange tstzrange tsvector uuid varbit varchar varying xml bernoulli system

  abs acos age any_value area array_agg array_append array_cat array_dims array_fill array_length array_lower array_ndims
  array_position array_positions array_prepend array_remove array_replace array_sample array_shuffle array_sort
  array_to_json array_to_string array_to_tsvector array_upper ascii asin atan atan2 avg bit_and bit_count bit_length
  bit_or bit_xor bool_and bool_or bound_box broadcast btrim cardinality cbrt ceil ceiling center char_length
  character_length chr clock_timestamp coalesce col_description concat concat_ws convert convert_from convert_to corr cos
  cot count covar_pop covar_samp crc32 cume_dist current_catalog current_database current_date current_query current_role
  current_schema current_schemas current_setting current_time current_timestamp current_user currval date_add date_bin
  date_part date_subtract date_trunc decode degrees dense_rank diagonal diameter div encode enum_first enum_last
  enum_range erf every exp extract factorial family first_value floor format_type gcd gen_random_uuid generate_series
  generate_subscripts get_bit get_byte greatest has_column_privilege has_database_privilege has_function_privilege
  has_schema_privilege has_sequence_privilege has_table_privilege height host hostmask initcap isclosed isempty isfinite
  isopen json_agg json_agg_strict json_array json_array_elements json_array_elements_text json_array_length json_arrayagg
  json_build_array json_build_object json_each json_each_text json_exists json_extract_path json_extract_path_text
  json_object json_object_agg json_object_keys json_objectagg json_populate_record json_populate_recordset json_query
  json_scalar json_serialize json_strip_nulls json_table json_to_record json_to_recordset json_typeof json_value jsonb_agg
  jsonb_agg_strict jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object
  jsonb_concat jsonb_delete jsonb_each jsonb_each_text jsonb_exists jsonb_exists_all jsonb_exists_any jsonb_extract_path
  jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_agg jsonb_object_keys jsonb_path_exists jsonb_path_match
  jsonb_path_query jsonb_path_query_array jsonb_path_query_first jsonb_populate_record jsonb_populate_recordset
  jsonb_pretty jsonb_set jsonb_set_lax jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_typeof justify_days
  justify_hours justify_interval lag last_value lastval lcm lead least length ln localtime localtimestamp log log10 lower
  lower_inc lower_inf lpad ltrim make_date make_interval make_time make_timestamp make_timestamptz masklen max md5 min
  min_scale mod mode multirange netmask network nextval normalize now npoints nth_value ntile nullif num_nonnulls num_nulls
  numnode obj_description octet_length overlaps overlay parse_ident pclose percent_rank percentile_cont percentile_disc
  pg_advisory_unlock pg_advisory_unlock_all pg_advisory_unlock_shared pg_advisory_xact_lock pg_advisory_xact_lock_shared
  pg_backend_pid pg_cancel_backend pg_client_encoding pg_collation_for pg_column_compression pg_column_size
  pg_conf_load_time pg_current_snapshot pg_current_wal_flush_lsn pg_current_wal_insert_lsn pg_current_wal_lsn
  pg_current_xact_id pg_current_xact_id_if_assigned pg_database_size pg_function_is_visible pg_get_constraintdef
  pg_get_expr pg_get_function_arguments pg_get_function_identity_arguments pg_get_functiondef pg_get_indexdef
  pg_get_serial_sequence pg_get_triggerdef pg_get_userbyid pg_get_viewdef pg_has_role pg_indexes_size pg_input_is_valid
  pg_is_in_recovery pg_is_wal_replay_paused pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp
  pg_notify pg_postmaster_start_time pg_relation_filenode pg_relation_size pg_size_bytes pg_size_pretty pg_sleep
  pg_sleep_for pg_sleep_until pg_table_is_visible pg_table_size pg_tablespace_size pg_terminate_backend
  pg_total_relation_size pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared pg_type_is_visible pg_typeof
  pg_visible_in_snapshot pg_wal_lsn_diff phraseto_tsquery pi plainto_tsquery popen position power querytree quote_ident
  quote_literal quote_nullable radians radius random random_normal range_agg range_intersect_agg range_merge rank
  regexp_count regexp_instr regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array
  regexp_split_to_table regexp_substr regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope repeat replace
  reverse round row_number row_security_active row_to_json rpad rtrim scale session_user set_bit set_byte set_masklen
  setval setweight sha224 sha256 sha384 sha512 shobj_description sign similarity sin slope split_part sqrt starts_with
  statement_timestamp stddev stddev_pop stddev_samp string_agg string_to_array string_to_table strip strpos substr
  substring sum tan timeofday timezone to_ascii to_bin to_char to_date to_hex to_json to_jsonb to_number to_oct to_regclass
  to_regproc to_regrole to_regtype to_timestamp to_tsquery to_tsvector transaction_timestamp translate trim trim_array
  trim_scale trunc ts_debug ts_delete ts_filter ts_headline ts_lexize ts_rank ts_rank_cd tsquery_phrase txid_current
  txid_current_if_assigned txid_current_snapshot txid_snapshot_xmax txid_snapshot_xmin txid_status txid_visible_in_snapshot
  unaccent unistr unnest upper upper_inc upper_inf user uuid_extract_timestamp uuid_extract_version uuid_generate_v4 uuidv4
  uuidv7 var_pop var_samp variance version websearch_to_tsquery width width_bucket xml_is_well_formed xmlagg xmlattributes
  xmlconcat xmlelement xmlforest xmlparse xmlroot xmlserialize`.split(/\s+/),
)
