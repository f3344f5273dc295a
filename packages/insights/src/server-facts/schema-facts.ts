import { type QueryRows, rowsOf } from './query-rows.js'

/** A table, and how often the server reads it from end to end. */
export interface ScannedTable {
  /** `schema.table`, quoted where it must be. */
  readonly table: string
  /** Rows alive, by the server's estimate. */
  readonly rows: number
  readonly seqScans: number
  /** Rows read by these scans. */
  readonly seqRows: number
  readonly indexScans: number
  /** The columns of each index that covers all rows, as in `a, b`, quoted where they must be. */
  readonly indexes: readonly string[]
}

/** An index that costs and does not help. */
export interface IndexFault {
  readonly table: string
  readonly index: string
  /** `invalid`: left behind by a failed `create index concurrently`. `duplicate`: another one has the same definition. */
  readonly fault: 'invalid' | 'duplicate'
  /** Of a duplicate: the one that stays. */
  readonly sameAs?: string
  readonly bytes: number
}

/** A foreign key whose columns no index begins with: a delete or update of the other table scans this one. */
export interface UnindexedForeignKey {
  readonly table: string
  readonly constraint: string
  /** In the order of the key, quoted where they must be. */
  readonly columns: readonly string[]
  readonly references: string
  readonly rows: number
}

/** What the catalogues of a PostgreSQL database say about its tables and indexes. */
export interface SchemaFacts {
  /** Those of which most rows were read by scans first, at most 200. */
  readonly scannedTables: readonly ScannedTable[]
  readonly indexFaults: readonly IndexFault[]
  readonly unindexedForeignKeys: readonly UnindexedForeignKey[]
}

const MOST = 50
const MOST_TABLES = 200

// Counts of scans reach the statistics some time after the scan, so that a table without any may have had some.
const SCANNED = `select s.relid::regclass::text as table, greatest(s.n_live_tup, c.reltuples::bigint, 0) as rows,
  s.seq_scan, s.seq_tup_read, s.idx_scan,
  (select coalesce(json_agg((
      select string_agg(quote_ident(a.attname), ', ' order by k.place)
      from unnest(i.indkey::int2[]) with ordinality k(attnum, place)
      join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
      where k.place <= i.indnkeyatts)), '[]')
    from pg_catalog.pg_index i join pg_catalog.pg_class ic on ic.oid = i.indexrelid
    join pg_catalog.pg_am m on m.oid = ic.relam
    where i.indrelid = s.relid and i.indisvalid and i.indpred is null and i.indexprs is null
      and m.amname in ('btree', 'hash')) as indexes
from pg_catalog.pg_stat_user_tables s join pg_catalog.pg_class c on c.oid = s.relid
order by s.seq_tup_read desc, rows desc limit ${MOST_TABLES}`

// Two indexes are the same if everything is equal that decides what they contain and whether they are unique. The one
// that a constraint needs stays, else the older.
const FAULTS = `with indexes as (
  select i.indexrelid, i.indexrelid::regclass::text as index, i.indrelid::regclass::text as table,
    i.indisvalid, pg_relation_size(i.indexrelid) as bytes,
    first_value(i.indexrelid::regclass::text) over same as first,
    row_number() over same as number
  from pg_catalog.pg_index i
  join pg_catalog.pg_class c on c.oid = i.indexrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
    -- Those being built are not valid yet.
    and not exists (select from pg_catalog.pg_stat_progress_create_index p where p.index_relid = i.indexrelid)
  window same as (
    partition by i.indrelid, i.indisvalid, c.relam, i.indkey::text, i.indclass::text, i.indcollation::text,
      i.indoption::text, i.indisunique, i.indisexclusion, i.indnatts, i.indnkeyatts,
      coalesce(pg_get_expr(i.indexprs, i.indrelid), ''), coalesce(pg_get_expr(i.indpred, i.indrelid), '')
    order by i.indisprimary desc,
      exists (select from pg_catalog.pg_constraint k where k.conindid = i.indexrelid) desc, i.indexrelid)
)
select index, "table", bytes, not indisvalid as invalid, first as same_as from indexes
where not indisvalid or number > 1 order by bytes desc limit ${MOST}`

const FOREIGN_KEYS = `select k.conrelid::regclass::text as table, quote_ident(k.conname) as constraint,
  k.confrelid::regclass::text as references, greatest(c.reltuples, 0) as rows,
  (select json_agg(quote_ident(a.attname) order by o.ordinality) from unnest(k.conkey) with ordinality o(attnum, ordinality)
    join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = o.attnum) as columns
from pg_catalog.pg_constraint k join pg_catalog.pg_class c on c.oid = k.conrelid
where k.contype = 'f' and k.conparentid = 0 and not exists (
  select from pg_catalog.pg_index i where i.indrelid = k.conrelid and i.indisvalid and i.indpred is null
    and i.indnkeyatts >= cardinality(k.conkey)
    and (select array_agg(key order by key) from unnest(i.indkey::int2[]) with ordinality u(key, place)
      where place <= cardinality(k.conkey)) = (select array_agg(key order by key) from unnest(k.conkey) key))
order by c.reltuples desc limit ${MOST}`

/**
 * Reads what PostgreSQL's catalogues tell of tables and their scans, at most 200, and of broken and duplicate indexes and
 * foreign keys without one, at most 50 of each.
 *
 * @param query runs one statement on the database that is meant
 * @throws what `query` rejects with
 */
export async function readSchemaFacts(query: QueryRows): Promise<SchemaFacts> {
  const scanned = await rowsOf(query, SCANNED)
  const faults = await rowsOf(query, FAULTS)
  const keys = await rowsOf(query, FOREIGN_KEYS)
  return {
    scannedTables: scanned.map((row) => ({
      table: row.text('table') ?? '',
      rows: row.number('rows') ?? 0,
      seqScans: row.number('seq_scan') ?? 0,
      seqRows: row.number('seq_tup_read') ?? 0,
      indexScans: row.number('idx_scan') ?? 0,
      indexes: row.texts('indexes'),
    })),
    indexFaults: faults.map((row) => {
      const known = {
        table: row.text('table') ?? '',
        index: row.text('index') ?? '',
        bytes: row.number('bytes') ?? 0,
      }
      return row.boolean('invalid')
        ? { ...known, fault: 'invalid' as const }
        : { ...known, fault: 'duplicate' as const, sameAs: row.text('same_as') ?? '' }
    }),
    unindexedForeignKeys: keys.map((row) => ({
      table: row.text('table') ?? '',
      constraint: row.text('constraint') ?? '',
      columns: row.texts('columns'),
      references: row.text('references') ?? '',
      rows: row.number('rows') ?? 0,
    })),
  }
}
