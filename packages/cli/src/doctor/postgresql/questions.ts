/** What is asked of a server. None of it takes a lock that keeps others out, and none changes anything. */
export const QUESTIONS = {
  version: `select current_setting('server_version') as text, current_setting('server_version_num')::int as number`,

  login: `select r.rolname as user, current_database() as database, r.rolsuper as superuser,
    pg_has_role('pg_read_all_stats', 'usage') as sees_all,
    nullif(r.rolconnlimit, -1) as role_limit, nullif(d.datconnlimit, -1) as database_limit
  from pg_catalog.pg_roles r, pg_catalog.pg_database d
  where r.rolname = current_user and d.datname = current_database()`,

  // What a RESET leads to is what a new session of the role begins with. Keepalives show what holds for this connection.
  settings: `select name, case when name like 'tcp\\_%' then setting else reset_val end as value
  from pg_catalog.pg_settings where name = any($1)`,

  sessions: `select coalesce(application_name, '') as application, coalesce(usename, '') as user, count(*)::int as sessions,
    count(*) filter (where state = 'active')::int as active,
    count(*) filter (where state like 'idle in transaction%')::int as idle_in_transaction
  from pg_catalog.pg_stat_activity
  -- A role of few rights sees no types; those that stream to standbys have no database.
  where usesysid is not null and datid is not null and coalesce(backend_type, 'client backend') = 'client backend' and pid <> pg_backend_pid()
  group by 1, 2 order by 3 desc, 1, 2`,

  idleInTransaction: `select pid, coalesce(application_name, '') as application, coalesce(usename, '') as user,
    extract(epoch from clock_timestamp() - state_change)::float8 * 1000 as since_ms
  from pg_catalog.pg_stat_activity
  where state like 'idle in transaction%' and clock_timestamp() - state_change >= $1::float8 * interval '1 ms'
    and datname = current_database()
  order by 4 desc limit 50`,

  blocked: `select pid, coalesce(application_name, '') as application, coalesce(usename, '') as user,
    extract(epoch from clock_timestamp() - state_change)::float8 * 1000 as since_ms, pg_blocking_pids(pid) as blocked_by
  from pg_catalog.pg_stat_activity
  where wait_event_type = 'Lock' and clock_timestamp() - state_change >= $1::float8 * interval '1 ms'
  order by 4 desc limit 50`,

  standbys: `select coalesce(application_name, '') as application, coalesce(state, '') as state,
    coalesce(sync_state, '') as sync_state from pg_catalog.pg_stat_replication order by 1`,

  slots: `select slot_name, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::float8 as retained
  from pg_catalog.pg_replication_slots where not active and restart_lsn is not null order by 2 desc limit 50`,

  prepared: `select gid, extract(epoch from clock_timestamp() - prepared)::float8 * 1000 as since_ms
  from pg_catalog.pg_prepared_xacts order by prepared limit 50`,

  ages: `select datname as database, age(datfrozenxid) as transactions, mxid_age(datminmxid) as multixacts
  from pg_catalog.pg_database where datallowconn order by 2 desc`,

  // A column of another type than its sequence is full before that.
  sequences: `select format('%I.%I', s.schemaname, s.sequencename) as sequence,
    greatest(s.last_value::float8 / s.max_value,
      case a.atttypid when 'int2'::regtype then s.last_value::float8 / 32767
        when 'int4'::regtype then s.last_value::float8 / 2147483647 end) as used
  from pg_catalog.pg_sequences s
  left join pg_catalog.pg_depend d on d.objid = format('%I.%I', s.schemaname, s.sequencename)::regclass
    and d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
  left join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
  where s.last_value is not null and s.increment_by > 0 and not s.cycle`,

  statements: `select installed_version is not null as created from pg_catalog.pg_available_extensions
  where name = 'pg_stat_statements'`,

  lag: `select case when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then 0
    else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000 end::float8 as lag_ms`,

  backend: 'select pg_backend_pid() as pid',
} as const

/** Settings that findings are made of. */
export const SETTINGS = [
  'max_connections',
  'superuser_reserved_connections',
  'reserved_connections',
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'idle_session_timeout',
  'transaction_timeout',
  'tcp_keepalives_idle',
  'tcp_keepalives_interval',
  'tcp_keepalives_count',
  'synchronous_commit',
  'synchronous_standby_names',
  'fsync',
  'full_page_writes',
  'autovacuum',
  'autovacuum_freeze_max_age',
  'default_transaction_read_only',
  'ssl',
] as const
