import { statSync } from 'node:fs'
import type { Opened } from '../../databases/opened.js'
import { bytes } from '../../terminal/units.js'
import { numberIn, textIn } from '../columns.js'
import type { FactReader } from '../fact-reader.js'
import type { Finding } from '../finding.js'
import type { ServerFindings } from '../server-findings.js'

/** What a write-ahead log has at the most where checkpoints get through, by a wide margin. */
const LARGE_WAL = 64 * 1024 * 1024
const LARGE_FREE = 64 * 1024 * 1024
const MOST_NAMED = 10

/** What an SQLite file tells. Undefined is what could not be read. */
interface SqliteFacts {
  readonly version: string | undefined
  readonly journalMode: string | undefined
  /** What `PRAGMA quick_check` complains about; empty if nothing. */
  readonly damage: readonly string[] | undefined
  /** Rows that refer to none, by table. */
  readonly orphans:
    | readonly { readonly table: string; readonly parent: string; readonly rows: number }[]
    | undefined
  readonly unindexedForeignKeys:
    | readonly { readonly table: string; readonly columns: string }[]
    | undefined
  readonly bytes: number | undefined
  readonly freeBytes: number | undefined
  readonly walBytes: number | undefined
}

/** Examines an SQLite file. */
export async function examineSqlite(
  location: string,
  opened: Opened,
  reader: FactReader,
): Promise<ServerFindings> {
  const facts = await readSqliteFacts(opened, reader)
  return {
    version: facts.version ?? null,
    facts: {
      journalMode: facts.journalMode ?? null,
      quickCheck: facts.damage === undefined ? null : facts.damage.length === 0,
      bytes: facts.bytes ?? null,
      freeBytes: facts.freeBytes ?? null,
      walBytes: facts.walBytes ?? null,
    },
    connections: [],
    findings: findInSqlite(facts),
    identity: {
      role: { role: 'primary', writable: true, missing: [] },
      databaseName: location,
      lagMs: undefined,
      standbys: undefined,
    },
  }
}

/** Reads what a file tells. Its integrity is checked last, since that takes the longest. */
async function readSqliteFacts(opened: Opened, reader: FactReader): Promise<SqliteFacts> {
  const first = async (sql: string): Promise<string> => {
    const [row] = await opened.query(sql)
    return String(Object.values(row ?? {})[0] ?? '')
  }
  const pageSize = await reader.read('page size', async () =>
    Number(await first('PRAGMA page_size')),
  )
  const pages = (what: string, sql: string): Promise<number | undefined> =>
    reader.read(what, async () => Number(await first(sql)) * (pageSize ?? Number.NaN))
  return {
    version: await reader.read('version', () => first('select sqlite_version()')),
    journalMode: await reader.read('journal mode', () => first('PRAGMA journal_mode')),
    bytes: await pages('size', 'PRAGMA page_count'),
    freeBytes: await pages('free pages', 'PRAGMA freelist_count'),
    walBytes: await reader.read('size of the write-ahead log', () => walBytesOf(opened)),
    orphans: await reader.read('foreign keys', () => orphansOf(opened)),
    unindexedForeignKeys: await reader.read('indexes of foreign keys', () => unindexedIn(opened)),
    damage: await reader.read('integrity', () => damageOf(opened)),
  }
}

/** The verdicts over an SQLite file. */
function findInSqlite(facts: SqliteFacts): Finding[] {
  return [
    ...findDamage(facts),
    ...findOrphans(facts),
    ...findJournal(facts),
    ...findSizes(facts),
    ...findForeignKeys(facts),
  ]
}

async function walBytesOf({ query }: Opened): Promise<number> {
  const [main] = (await query('PRAGMA database_list')).filter(
    (row) => textIn(row, 'name') === 'main',
  )
  const file = textIn(main, 'file')
  return file === '' ? 0 : (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0)
}

async function damageOf({ query }: Opened): Promise<string[]> {
  const rows = await query(`PRAGMA quick_check(${MOST_NAMED})`)
  return rows.map((row) => String(Object.values(row)[0])).filter((text) => text !== 'ok')
}

async function orphansOf({ query }: Opened): Promise<NonNullable<SqliteFacts['orphans']>> {
  const rows = await query(
    'select "table", parent, count(*) as orphans from pragma_foreign_key_check group by 1, 2 order by 3 desc',
  )
  return rows.map((row) => ({
    table: textIn(row, 'table'),
    parent: textIn(row, 'parent'),
    rows: numberIn(row, 'orphans') ?? 0,
  }))
}

/** The first column of the key has to be the first of an index, or the row's own number. */
async function unindexedIn({
  query,
}: Opened): Promise<NonNullable<SqliteFacts['unindexedForeignKeys']>> {
  const rows = await query(`select t.name as "table", group_concat(k."from", ', ') as columns
    from sqlite_master t, pragma_foreign_key_list(t.name) k
    where t.type = 'table' and not exists (
      select 1 from pragma_index_list(t.name) l, pragma_index_info(l.name) i
      where l.partial = 0 and i.seqno = 0 and i.name in (
        select o."from" from pragma_foreign_key_list(t.name) o where o.id = k.id))
    and not exists (
      select 1 from pragma_table_info(t.name) c
      where c.pk = 1 and upper(c.type) = 'INTEGER' and c.name = k."from")
    group by t.name, k.id`)
  return rows.map((row) => ({ table: textIn(row, 'table'), columns: textIn(row, 'columns') }))
}

function findDamage({ damage = [] }: SqliteFacts): Finding[] {
  if (damage.length === 0) return []
  return [
    {
      id: 'database-damaged',
      severity: 'critical',
      title: 'The database is damaged.',
      evidence: damage,
      fix: 'Stop writing to it, copy the file with its -wal, restore a backup, or save what can be read with the .recover command of the sqlite3 shell.',
    },
  ]
}

function findOrphans({ orphans = [] }: SqliteFacts): Finding[] {
  if (orphans.length === 0) return []
  return [
    {
      id: 'foreign-keys-violated',
      severity: 'warning',
      title:
        'Rows refer to rows that are not there: some connection has written without foreign_keys.',
      evidence: orphans.map(
        ({ table, parent, rows }) => `${table}: ${rows} without a row in ${parent}`,
      ),
      fix: 'Mend or delete these rows, and have every connection that writes run PRAGMA foreign_keys = on, as connmgr does.',
    },
  ]
}

function findJournal({ journalMode }: SqliteFacts): Finding[] {
  if (journalMode === undefined || journalMode === 'wal' || journalMode === '') return []
  const unsafe = journalMode === 'off' || journalMode === 'memory'
  return [
    {
      id: unsafe ? 'journal-unsafe' : 'journal-not-wal',
      severity: unsafe ? 'critical' : 'advice',
      title: unsafe
        ? `The journal mode is ${journalMode}: a crash within a transaction damages the database.`
        : `The journal mode is ${journalMode}: a writer keeps all readers out, and readers the writer.`,
      evidence: [`PRAGMA journal_mode says ${journalMode}`],
      fix: 'Run PRAGMA journal_mode = wal once; it stays in the file. Not on a network file system.',
    },
  ]
}

function findSizes({ walBytes = 0, bytes: size = 0, freeBytes = 0 }: SqliteFacts): Finding[] {
  const findings: Finding[] = []
  if (walBytes >= LARGE_WAL)
    findings.push({
      id: 'wal-large',
      severity: 'warning',
      title: `The write-ahead log has ${bytes(walBytes)}: a reader that never ends keeps it from being emptied, and reads get slower.`,
      evidence: [`${bytes(walBytes)} beside a database of ${bytes(size)}`],
      fix: 'End long reads (cursors, transactions that only read), then run PRAGMA wal_checkpoint(truncate).',
    })
  if (freeBytes >= LARGE_FREE && freeBytes >= size / 2)
    findings.push({
      id: 'file-mostly-free',
      severity: 'advice',
      title: `${bytes(freeBytes)} of the ${bytes(size)} of the file hold nothing.`,
      evidence: ['PRAGMA freelist_count'],
      fix: 'Run VACUUM when there is time for it: it locks the database and needs as much room again.',
    })
  return findings
}

function findForeignKeys({ unindexedForeignKeys: keys = [] }: SqliteFacts): Finding[] {
  const [first] = keys
  if (first === undefined) return []
  return [
    {
      id: 'foreign-key-without-index',
      severity: 'warning',
      title:
        'A foreign key has no index: each delete in the table that it refers to reads this one as a whole.',
      evidence: keys.slice(0, MOST_NAMED).map(({ table, columns }) => `${table} (${columns})`),
      fix: `Add one: create index … on ${first.table} (${first.columns}).`,
    },
  ]
}
