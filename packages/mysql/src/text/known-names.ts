/**
 * What may stand before a parenthesis without changing the session or a table: words of SQL, types, and functions of the
 * server itself. A stored function may do either.
 */
export const KNOWN_NAMES: ReadonlySet<string> = new Set(
  `all and any as between both by case check collate columns cross cube distinct div duplicate else end escape except
  exists explain fields filter for from fulltext groups group having if ignore in index inner insert intersect interval
  is join json_table key keys lateral left like limit match mod natural not null of on or order outer over partition
  partitions primary range recursive regexp replace returning right rlike row rows select set some straight_join table
  then to union unique update use using value values when where window with xor against language default

  bigint binary bit blob bool boolean char character date datetime dec decimal double enum fixed float float4 float8
  geometry inet4 inet6 int integer json linestring longblob longtext mediumblob mediumint mediumtext nchar numeric
  nvarchar point polygon real signed smallint text time timestamp tinyblob tinyint tinytext unsigned uuid varbinary
  varchar vector year

  abs acos adddate addtime aes_decrypt aes_encrypt any_value ascii asin atan atan2 avg bin bin_to_uuid bit_and bit_count
  bit_length bit_or bit_xor cast ceil ceiling char_length character_length charset chr coalesce coercibility collation
  compress concat concat_ws connection_id conv convert convert_tz cos cot count crc32 crc32c cume_dist curdate
  current_date current_role current_time current_timestamp current_user curtime database date_add date_format date_sub
  datediff day dayname dayofmonth dayofweek dayofyear decode degrees dense_rank elt encode exp export_set extract
  extractvalue field find_in_set first_value floor format format_bytes format_pico_time found_rows from_base64 from_days
  from_unixtime geometrycollection get_format greatest group_concat grouping gtid_subset gtid_subtract hex hour ifnull
  inet6_aton inet6_ntoa inet_aton inet_ntoa instr is_free_lock is_ipv4 is_ipv4_compat is_ipv4_mapped is_ipv6
  is_used_lock is_uuid isnull json_array json_array_append json_array_insert json_arrayagg json_compact json_contains
  json_contains_path json_depth json_detailed json_equals json_exists json_extract json_insert json_keys json_length
  json_loose json_merge json_merge_patch json_merge_preserve json_normalize json_object json_objectagg json_overlaps
  json_pretty json_query json_quote json_remove json_replace json_schema_valid json_search json_set json_storage_size
  json_type json_unquote json_valid json_value lag last_day last_insert_id last_value lcase lead least length ln
  localtime localtimestamp locate log log10 log2 lower lpad ltrim make_set makedate maketime master_pos_wait max mbrcontains
  mbrwithin md5 median microsecond mid min minute monthname month name_const natural_sort_key now nth_value ntile nullif
  nvl nvl2 oct octet_length old_password ord percent_rank percentile_cont percentile_disc period_add period_diff pi
  position pow power quarter quote radians rand random_bytes rank regexp_instr regexp_like regexp_replace regexp_substr
  repeat reverse roles_graphml round row_count row_number rpad rtrim schema sec_to_time second session_user sformat sha
  sha1 sha2 sign sin sleep soundex space sqrt st_area st_asgeojson st_astext st_buffer st_contains st_distance
  st_distance_sphere st_geomfromgeojson st_geomfromtext st_intersects st_length st_makeenvelope st_point st_srid
  st_within st_x st_y statement_digest std stddev stddev_pop stddev_samp str_to_date strcmp subdate substr substring
  substring_index subtime sum sysdate system_user tan time_format time_to_sec timediff timestampadd timestampdiff to_base64
  to_char to_days to_seconds trim trim_oracle truncate ucase uncompress uncompressed_length unhex unix_timestamp updatexml
  upper user utc_date utc_time utc_timestamp uuid_short uuid_to_bin validate_password_strength var_pop var_samp variance
  version week weekday weekofyear weight_string yearweek`.split(/\s+/),
)
