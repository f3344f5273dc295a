/**
 * What a database may hold that makes a harmless looking text write, or change its session: functions with the names of
 * the server's own, functions written like columns, operators, views, aggregates, policies, triggers and cascades.
 */
export const HOSTILE_SCHEMA = `
create schema shop;
create table effect (what text);
create table item (id int primary key, name text, note text default 'none');
insert into item values (1, 'a'), (2, 'b');
create sequence ids;
create function effect(what text) returns int language plpgsql as
  $$ begin insert into public.effect values (what); return 1; end $$;

-- Named like the server's own, or like nothing that looks like a function.
create function reverse(int) returns int language sql as $$ select effect('reverse') $$;
create function shop.log(text) returns int language sql as $$ select effect('log') $$;
create function left(int) returns int language sql as $$ select effect('left') $$;
create function "Mixed ""Case"""() returns int language sql as $$ select effect('mixed') $$;
create function a$b() returns int language sql as $$ select effect('dollar') $$;
create function größe() returns int language sql as $$ select effect('letters') $$;
create function lies() returns int stable language sql as $$ select effect('lies') $$;
create function bump(item) returns int language sql as $$ select effect('bump') $$;
create function anything(anyelement, int default 1) returns int language sql as $$ select effect('anything') $$;
create function pick(int, int) returns int language sql as $$ select effect('pick') $$;
create operator |> (leftarg = int, rightarg = int, function = pick);
create function fewer(int, int) returns boolean language sql as $$ select effect('fewer') = 1 $$;
create operator |>= (leftarg = int, rightarg = int, function = fewer);
create operator <| (leftarg = int, rightarg = int, function = int4lt, negator = |>=);
create operator shop.<+> (leftarg = int, rightarg = int, function = pick);
create function add_up(int, int) returns int language sql as $$ select effect('add_up') $$;
create aggregate total(int) (sfunc = add_up, stype = int, initcond = '0');
create aggregate setting(text, boolean) (sfunc = set_config, stype = text, initcond = 'work_mem');
create view item_count as select nextval('ids') as n from item;
create view over_count as select n + 1 as n from item_count;
create view bumped as select i.bump as b from item i;
create view names as select name, upper(name) as upper from item;
create materialized view kept as select * from item;
create table guarded (id int, owner int);
insert into guarded values (1, 1);
create function may_see() returns boolean language sql as $$ select effect('policy') = 1 $$;
create policy seen on guarded using (may_see());
alter table guarded enable row level security;
grant all on all tables in schema public to public;
grant all on all sequences in schema public to public;
grant usage on schema shop to public;

-- By which the session is changed.
create function act() returns int language sql as $$ select set_config('work_mem', '5MB', false) is null; select 1 $$;
create function on_write() returns trigger language plpgsql as
  $$ begin perform set_config('work_mem', '7MB', false); return new; end $$;
create function on_log() returns trigger language plpgsql as
  $$ begin insert into watched values (1); return new; end $$;
create function stamp() returns trigger language plpgsql as
  $$ begin new.at := now(); insert into log (what) values (to_jsonb(new)); return new; end $$;
create table watched (id int);
create trigger watch before insert or update on watched for each row execute function on_write();
create table indirect (id int);
create trigger logs after insert on indirect for each row execute function on_log();
create table log (what jsonb);
create table stamped (id int, at timestamptz);
create trigger stamps before insert or update on stamped for each row execute function stamp();
create table configured (id int, was text default set_config('work_mem', '6MB', false));
create table owner (id int primary key);
insert into owner values (1), (2);
create table owned (id int references owner on delete cascade on update cascade);
insert into owned values (1);
create trigger watch before update or delete on owned for each row execute function on_write();
create table part (id int) partition by list (id);
create table part_of partition of part for values in (1, 2);
create trigger watch before insert on part_of for each row execute function on_write();
create view my_settings as select * from pg_settings;
create view over_settings as select * from my_settings;
create view locked as select pg_try_advisory_lock(7) as got;
grant all on all tables in schema public to public;`

/** What a text may have written: all rows and the states of all sequences. */
export const WRITTEN = `
select count(*)::text as effects, (select count(*) from item)::text as items,
       (select last_value::text || is_called from ids) as sequence,
       (select count(*) from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace)::text as tables
from effect`

/** What a text may have changed in its session. */
export const OF_SESSION = `
select (select md5(string_agg(name || setting, ',' order by name)) from pg_settings) as settings,
       current_setting('a.b', true) as own, current_user as role, session_user as login,
       (select count(*) from pg_prepared_statements)::text as prepared, (select count(*) from pg_cursors)::text as cursors,
       (select count(*) from pg_listening_channels())::text as listening,
       (select count(*) from pg_locks where pid = pg_backend_pid() and locktype = 'advisory')::text as locks,
       (select count(*) from pg_class where relnamespace = pg_my_temp_schema())::text as temporary`
