import { MAY_TAKE_MEMORY } from '../kept-memory.js'
import {
  HARMLESS_OF_EXTENSIONS,
  HARMLESS_THOUGH_VOLATILE,
  REVIEWED_EXTENSIONS,
  RUNS_WHAT_IT_IS_GIVEN,
} from './reviewed.js'

/** A database whose catalog takes longer to read is not worth it: nothing is known of it. */
const LONGEST_MS = 5000
/** Objects with a smaller number have come with the server itself. */
const FIRST_OF_USERS = 16384
/** Types of the arguments of functions that read or write values of a type, or that no statement can call. */
const NOT_FOR_STATEMENTS = "'{pg_catalog.cstring,pg_catalog.internal}'::pg_catalog.regtype[]"

/** What {@link CATALOG_QUERY} answers with, as JSON in the one column of its one row. */
export interface CatalogAnswer {
  /** Functions that neither write nor run code of a user's. */
  readonly harmless: readonly string[]
  /** Functions of users and extensions of which that is not known; those that relations call, with their source. */
  readonly others: readonly (readonly [name: string, source: string | null])[]
  /** Functions, the server's own among them, that are not harmless and can be written like a column: `(id).nextval`. */
  readonly columns: readonly string[]
  /** Functions of users whose source makes, alters or drops something, and, unless they are very many, those that call such. */
  readonly defining: readonly string[]
  /** Operators whose function is not known to be harmless. */
  readonly operators: readonly string[]
  /** Relations, and functions that are not known to be harmless and that they call when they are read. */
  readonly whenRead: readonly (readonly [relation: string, calls: string])[]
  /** The same, when they are written. */
  readonly whenWritten: readonly (readonly [relation: string, calls: string])[]
  /** Relations that lead to others when they are read or written: views, parents of partitions. */
  readonly leads: readonly (readonly [relation: string, to: string])[]
  /** Relations that lead to others when they are written: by foreign keys that cascade. */
  readonly cascades: readonly (readonly [relation: string, to: string])[]
  readonly foreign: readonly string[]
  /** A cast, a type or an index calls a function that is not known to be harmless, and statements do not show which. */
  readonly hidden: boolean
  /** Every role may have the server plan what {@link keepMemory} sends. */
  readonly mayTakeMemory: boolean
}

/** What a source has that defines something: a word of it, and what it is for, so that "drop the rest" in a comment is none. */
const DEFINES =
  '\\m(create|alter|drop)\\s+(or\\s+replace|global|local|temp|temporary|unlogged|foreign|materialized|recursive|table|view|schema|type|domain|function|procedure|routine|aggregate|operator|cast|collation|extension)\\M|\\minto\\s+(temp|temporary|unlogged)\\M'

/** Names that are looked for in sources, times sources: in sources of 800 characters, 100,000 took a server 80 ms. */
const MOST_LOOKS = 100_000

/** The functions whose source calls one of these, unless these are too many to look for in so many sources. */
function callersOf(functions: string): string {
  return `select distinct r.oid, r.name, r.called from ${functions} d join readable_source r on pg_catalog.strpos(r.source, d.called) > 0
    and (d.called !~ '^\\w+$' or r.source ~ pg_catalog.concat('\\m', d.called, '\\M'))
  where (select pg_catalog.count(*) from ${functions}) * (select pg_catalog.count(*) from readable_source) <= ${MOST_LOOKS}`
}

/**
 * What there is in a database that a statement could run and that has not come with the server. It reads the system
 * catalogs alone, which are open to every role, in a form that is the same from PostgreSQL 10 on. The settings hold for
 * the transaction that statements sent together are; with a compiler the query would take seconds.
 *
 * A function is harmless if it has come with the server and does not change with each call, unless it runs what it is
 * given; or if it is written in C and declared not to change. All others can do anything: a function in SQL that is
 * declared stable may call one that is not.
 */
export const CATALOG_QUERY = `
set local search_path = pg_catalog; set local statement_timeout = ${LONGEST_MS};
select set_config(name, 'off', true) from pg_settings where name = 'jit';
with harmless_of_server as (
  select o.prosrc as own from pg_catalog.pg_proc o join pg_catalog.pg_language l on l.oid = o.prolang
  where l.lanname = 'internal' and o.oid < ${FIRST_OF_USERS} and o.provolatile <> 'v' and o.proname <> all(${list(RUNS_WHAT_IT_IS_GIVEN)})
), reviewed as (
  select d.objid as oid from pg_catalog.pg_depend d
  join pg_catalog.pg_extension e on d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and d.refobjid = e.oid
  where d.deptype = 'e' and d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
  and e.extname = any(${list(REVIEWED_EXTENSIONS)})
), func as (
  select p.oid, p.proname::pg_catalog.text as name, p.oid >= ${FIRST_OF_USERS} as of_users, p.prosrc as source,
         l.lanname in ('sql', 'plpgsql') as readable, l.lanname not in ('internal', 'c') as has_source, p.pronargs >= 1 and p.pronargs - p.pronargdefaults <= 1 as one_argument,
         not p.proargtypes::pg_catalog.oid[]::pg_catalog.regtype[] && ${NOT_FOR_STATEMENTS} as callable,
         case when p.oid < ${FIRST_OF_USERS} then
                l.lanname in ('internal', 'c', 'sql')
                and (p.provolatile <> 'v' or p.proname = any(${list(HARMLESS_THOUGH_VOLATILE)}))
                and p.proname <> all(${list(RUNS_WHAT_IT_IS_GIVEN)})
              when l.lanname = 'c' then
                -- What takes a text and returns rows may run the text, as crosstab does.
                p.provolatile <> 'v' and not (p.proretset and 'pg_catalog.text'::pg_catalog.regtype = any(p.proargtypes::pg_catalog.oid[]))
                or p.proname = any(${list(HARMLESS_OF_EXTENSIONS)})
              when p.provolatile <> 'v' and p.oid in (select oid from reviewed) then true
              else
                -- Other names for what has come with the server, as citext has; aggregates are looked at below.
                l.lanname = 'internal' and p.provolatile <> 'v'
                and (p.prosrc = 'aggregate_dummy' or p.prosrc in (select own from harmless_of_server))
         end as harmless
  from pg_catalog.pg_proc p join pg_catalog.pg_language l on l.oid = p.prolang
), readable_source as (
  select oid, name, pg_catalog.lower(name) as called, pg_catalog.lower(source) as source from func where of_users and has_source
), defining_itself as (
  select oid, name, called from readable_source where source ~ '${DEFINES}'
), defining_by_one as (
  ${callersOf('defining_itself')}
), defining_by_two as (
  ${callersOf('defining_by_one')}
), defining as (
  select name from defining_itself union select name from defining_by_one union select name from defining_by_two
), aggregate_of_users as (
  select a.aggfnoid::pg_catalog.oid as oid from pg_catalog.pg_aggregate a
  where a.aggfnoid::pg_catalog.oid >= ${FIRST_OF_USERS} and exists (
    select from func where not harmless and func.oid in (a.aggtransfn::pg_catalog.oid, a.aggfinalfn::pg_catalog.oid, a.aggcombinefn::pg_catalog.oid,
      a.aggserialfn::pg_catalog.oid, a.aggdeserialfn::pg_catalog.oid, a.aggmtransfn::pg_catalog.oid, a.aggminvtransfn::pg_catalog.oid, a.aggmfinalfn::pg_catalog.oid))
), other as (
  select oid, name, of_users, readable, source, one_argument, callable from func
  where not harmless or oid in (select oid from aggregate_of_users)
), operation as (
  -- The planner may use the commutator or the negator of an operator in its place.
  select op.oid, op.oprname::pg_catalog.text as name, o.oid as other
  from pg_catalog.pg_operator op
  join pg_catalog.pg_operator used on used.oid in (op.oid, op.oprcom, op.oprnegate)
  join other o on o.oid = used.oprcode::pg_catalog.oid
), relation as (
  select oid, relname::pg_catalog.text as name, relkind = 'f' as is_foreign, relrowsecurity as secured
  from pg_catalog.pg_class where oid >= ${FIRST_OF_USERS} and relkind in ('r', 'p', 'v', 'm', 'f')
), expression as (
  -- All that is evaluated without being named: what it belongs to, whether reading that is enough, and its tree.
  select 'pg_catalog.pg_rewrite'::pg_catalog.regclass as of_class, oid as number, ev_class as relid,
         ev_type = '1' as read, ev_action::pg_catalog.text || ev_qual::pg_catalog.text as tree
  from pg_catalog.pg_rewrite where oid >= ${FIRST_OF_USERS}
  union all
  select 'pg_catalog.pg_policy'::pg_catalog.regclass, oid, polrelid, true,
         pg_catalog.concat(polqual::pg_catalog.text, polwithcheck::pg_catalog.text)
  from pg_catalog.pg_policy where polrelid in (select oid from relation where secured)
  union all
  select 'pg_catalog.pg_attrdef'::pg_catalog.regclass, oid, adrelid, false, adbin::pg_catalog.text
  from pg_catalog.pg_attrdef where adrelid >= ${FIRST_OF_USERS}
  union all
  -- The check of a domain belongs to no relation.
  select 'pg_catalog.pg_constraint'::pg_catalog.regclass, oid, conrelid, contypid <> 0, conbin::pg_catalog.text
  from pg_catalog.pg_constraint where oid >= ${FIRST_OF_USERS} and conbin is not null
  union all
  select 'pg_catalog.pg_class'::pg_catalog.regclass, indexrelid, indrelid, false,
         pg_catalog.concat(indexprs::pg_catalog.text, indpred::pg_catalog.text)
  from pg_catalog.pg_index where indexrelid >= ${FIRST_OF_USERS} and (indexprs is not null or indpred is not null)
  union all
  select 'pg_catalog.pg_trigger'::pg_catalog.regclass, oid, tgrelid, false, coalesce(tgqual::pg_catalog.text, '')
  from pg_catalog.pg_trigger where not tgisinternal
), called as (
  -- What has come with the server is not recorded as a dependency, so its number is looked for in the tree.
  select e.relid, e.read, o.proname::pg_catalog.text as name, o.oid
  from expression e
  cross join lateral pg_catalog.regexp_matches(
    e.tree, ':(?:funcid|opfuncid|aggfnoid|winfnoid|tsmhandler) (\\d+)', 'g') as m(number)
  join pg_catalog.pg_proc o on o.oid = (m.number[1])::pg_catalog.oid
  where (m.number[1])::pg_catalog.oid = any(array(select oid from other where not of_users))
  union
  select e.relid, e.read, o.name, o.oid
  from expression e
  join pg_catalog.pg_depend d on d.classid = e.of_class and d.objid = e.number
  left join operation op
    on d.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass and op.oid = d.refobjid
  join other o on o.oid = coalesce(op.other, d.refobjid) and o.of_users
  where d.refclassid in ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass)
), related as (
  select r.ev_class as relid, d.refobjid as other from pg_catalog.pg_rewrite r join pg_catalog.pg_depend d
    on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = r.oid
    and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid <> r.ev_class
  where r.oid >= ${FIRST_OF_USERS}
  union
  select p.polrelid, d.refobjid from pg_catalog.pg_policy p join pg_catalog.pg_depend d
    on d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and d.objid = p.oid
    and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid <> p.polrelid
  union
  select inhparent, inhrelid from pg_catalog.pg_inherits
)
select pg_catalog.json_build_object(
  'harmless', (select pg_catalog.json_agg(distinct name) from func where callable and harmless
    and name not in (select name from other)),
  'others', (select pg_catalog.json_agg(pg_catalog.json_build_array(name,
      case when readable and pg_catalog.length(source) < 20000 and c.oid is not null then source end))
    from other left join (select distinct oid from called) c on c.oid = other.oid where of_users),
  'columns', (select pg_catalog.json_agg(distinct name) from other where one_argument and callable),
  'defining', (select pg_catalog.json_agg(distinct name) from defining),
  'operators', (select pg_catalog.json_agg(distinct name) from operation),
  'whenRead', (select pg_catalog.json_agg(pg_catalog.json_build_array(r.relname, c.name))
    from called c join pg_catalog.pg_class r on r.oid = c.relid where c.read),
  'whenWritten', (select pg_catalog.json_agg(pg_catalog.json_build_array(r.relname, c.name))
    from called c join pg_catalog.pg_class r on r.oid = c.relid where not c.read),
  'leads', (select pg_catalog.json_agg(pg_catalog.json_build_array(a.relname, b.relname)) from related
    join pg_catalog.pg_class a on a.oid = related.relid join pg_catalog.pg_class b on b.oid = related.other
    where a.relkind <> 'i' and a.relkind <> 'I'),
  'cascades', (select pg_catalog.json_agg(pg_catalog.json_build_array(a.relname, b.relname))
    from pg_catalog.pg_constraint f
    join pg_catalog.pg_class a on a.oid = f.confrelid join pg_catalog.pg_class b on b.oid = f.conrelid
    where f.contype = 'f' and (f.confdeltype not in ('a', 'r') or f.confupdtype not in ('a', 'r'))),
  'foreign', (select pg_catalog.json_agg(name) from relation where is_foreign),
  'mayTakeMemory', ${MAY_TAKE_MEMORY},
  'hidden', exists (select from called where relid = 0)
    or exists (select from pg_catalog.pg_cast where castfunc in (select oid from other))
    or exists (select from pg_catalog.pg_amproc where amproc::pg_catalog.oid >= ${FIRST_OF_USERS}
      and amproc::pg_catalog.oid in (select oid from other))
    or exists (select from pg_catalog.pg_amop where amopopr in (select oid from operation))
)::pg_catalog.text`

function list(names: readonly string[]): string {
  return `'{${names.join(',')}}'`
}
