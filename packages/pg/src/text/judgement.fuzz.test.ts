import { systemClock } from '@connmgr/core/driver'
import { type PostgresCluster, patient, startCluster } from '@connmgr/testing'
import fc from 'fast-check'
import pg from 'pg'
import { HOSTILE_SCHEMA, OF_SESSION, WRITTEN } from '../../test/hostile-schema.js'
import { Catalogs, type EndpointCatalog } from '../catalog/catalog.js'
import { isShareable } from '../shared/shareable.js'
import { isPlainRead, mayChangeCatalog, mayCommitBlock } from '../statement-text.js'

/** Few, as each text runs on a real server; set it higher to search longer. */
const RUNS = Number(process.env.TEXT_FUZZ_RUNS ?? 400)

let cluster: PostgresCluster
let client: pg.Client
let observer: pg.Client
let catalog: EndpointCatalog

async function open(): Promise<pg.Client> {
  const opened = new pg.Client(cluster.primary.url())
  await opened.connect()
  // Loads PL/pgSQL, whose settings would otherwise appear on the way.
  await opened.query("set statement_timeout = '5s'; set lock_timeout = '2s'; do $$ begin end $$")
  return opened
}

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query(HOSTILE_SCHEMA)
  client = await open()
  observer = await open()
  await observer.query('create table marker (id int)')
  catalog = new Catalogs(systemClock).of('the only one', {
    ask: (text) => observer.query({ text, rowMode: 'array' }),
  })
  await catalog.read()
  expect(catalog.latest).toBeDefined()
})
afterAll(async () => {
  await client.end()
  await observer.end()
  await cluster.stop()
})

const one = <T>(...values: T[]) => fc.constantFrom(...values)

/** What may stand between two tokens. */
const gap = fc.oneof(
  { weight: 5, arbitrary: fc.constant(' ') },
  { weight: 1, arbitrary: one('/**/', ' /* ( */ ', '\n-- "\n', '\t', " /* /* ' */ */ ") },
)
/** A name as it may be written. */
const spelled = (name: string): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant(name) },
    { weight: 1, arbitrary: fc.constant(name.startsWith('"') ? name : name.toUpperCase()) },
    { weight: 1, arbitrary: fc.constant(name.startsWith('"') ? name : `"${name}"`) },
    { weight: 1, arbitrary: fc.constant(name.startsWith('"') ? name : `U&"${name}"`) },
  )
const namesOf = (...names: string[]) => one(...names).chain(spelled)

const schema = fc
  .tuple(fc.option(namesOf('public', 'shop', 'pg_catalog', 'pg_temp'), { freq: 3 }), gap, gap)
  .map(([name, before, after]) => (name === null ? '' : `${name}${before}.${after}`))
const relation = fc
  .tuple(
    schema,
    fc.oneof(
      { weight: 3, arbitrary: namesOf('item', 'stamped', 'log', 'owner', 'names', 'kept') },
      {
        weight: 4,
        arbitrary: namesOf(
          ...[
            'item_count',
            'over_count',
            'bumped',
            'guarded',
            'watched',
            'indirect',
            'configured',
            'owned',
            'part',
          ],
          ...[
            'my_settings',
            'over_settings',
            'pg_settings',
            'locked',
            'effect',
            'ids',
            'pg_class',
            'pg_locks',
          ],
        ),
      },
    ),
  )
  .map((parts) => parts.join(''))

const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    one(
      '1',
      'null',
      "'a'",
      'id',
      'i.id',
      'name',
      'i',
      "'ids'",
      "'work_mem'",
      'true',
      'false',
      "E'\\''",
      '$$a$$',
    ),
    one("'ids'::regclass", "set_config('a.b', 'c', false)", 'i.*', '$a$ $b$ $a$', "'\\'"),
    fc
      .tuple(
        schema,
        fc.oneof(
          namesOf(
            'upper',
            'reverse',
            'left',
            'count',
            'max',
            'coalesce',
            'length',
            'abs',
            'log',
            'now',
            'random',
          ),
          namesOf(
            'bump',
            'anything',
            'lies',
            'act',
            'total',
            'setting',
            'pick',
            'a$b',
            'größe',
            '"Mixed ""Case"""',
            'effect',
          ),
          namesOf(
            'nextval',
            'currval',
            'lastval',
            'setval',
            'set_config',
            'pg_advisory_lock',
            'pg_notify',
            'setseed',
          ),
          namesOf(
            'query_to_xml',
            'table_to_xml',
            'lo_creat',
            'pg_sleep',
            'numeric',
            'int4',
            'dblink',
            'pg_export_snapshot',
          ),
        ),
        gap,
        fc.array(tie('expression'), { maxLength: 3 }),
      )
      .map(([where, name, space, values]) => `${where}${name}${space}(${values.join(', ')})`),
    fc
      .tuple(
        one('i', '(i)', "('ids'::regclass)", 'item'),
        gap,
        gap,
        namesOf('bump', 'anything', 'nextval', 'name', 'upper', 'currval'),
      )
      .map((parts) => `${parts[0]}${parts[1]}.${parts[2]}${parts[3]}`),
    fc
      .tuple(
        tie('expression'),
        gap,
        one(
          '+',
          '=',
          '|>',
          'operator(shop.<+>)',
          'operator(public.|>)',
          '<|',
          '|>=',
          '||',
          '<',
          '|>-',
          '::text ||',
          '~',
          'is distinct from',
        ),
        gap,
        tie('expression'),
      )
      .map((parts) => parts.join('')),
    fc
      .tuple(
        tie('expression'),
        one('::text', '::int', '::item', '::numeric(10, 2)', '::public.item'),
      )
      .map(([a, b]) => `(${a})${b}`),
    fc
      .tuple(one('(select ', 'array(select ', 'exists(select '), tie('expression'), relation)
      .map(([a, b, c]) => `${a}${b} from ${c} i)`),
  ),
}))

const into = fc.option(
  one(
    'into temp zz',
    'into temporary table zz',
    'into local temp zz',
    'into"zz"',
    'into pg_temp.zz',
    'insert into temp zz',
    'into/**/temp/**/zz',
  ),
  { freq: 12 },
)
const select = fc
  .tuple(
    fc.array(expression, { minLength: 1, maxLength: 3 }),
    into,
    relation,
    fc.option(expression),
    one('', ' for update', ' limit 1', ' order by 1', ' group by 1'),
  )
  .map(
    ([values, target, from, condition, rest]) =>
      `select ${values.join(', ')} ${target ?? ''} from ${from} i${condition === null ? '' : ` where ${condition} is not null`}${rest}`,
  )
const simple = fc
  .tuple(one('select ', 'values (', 'SELECT/**/'), expression)
  .map(([start, value]) => (start === 'values (' ? `values (${value})` : start + value))
const write = fc.oneof(
  fc
    .tuple(
      relation,
      one(
        'default values',
        'values (1)',
        'values (1) on conflict do nothing',
        "select 1 where 'a' = 'b'",
      ),
    )
    .map(([name, what]) => `insert into ${name} ${what}`),
  fc
    .tuple(
      relation,
      one("set setting = '9MB' where name = 'work_mem'", 'set id = id', "set name = 'c'"),
    )
    .map(([name, what]) => `update ${name} ${what}`),
  relation.map((name) => `delete from ${name} where id = 2`),
)
const statement = fc.oneof(
  { weight: 4, arbitrary: select },
  { weight: 3, arbitrary: simple },
  { weight: 3, arbitrary: write },
  { weight: 1, arbitrary: relation.map((name) => `table ${name}`) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.oneof(
          select,
          write.map((text) => `${text} returning 1`),
        ),
        fc.oneof(select, write),
      )
      .map(([inner, outer]) => `with c (x) as (${inner}) ${outer}`),
  },
)

/** Pieces in any order: mostly no statement at all, but what looks like the end of one may be inside another. */
const soup = fc
  .array(
    fc.tuple(
      one(
        ...[
          'select',
          '1',
          ',',
          ';',
          'commit',
          'rollback',
          'begin',
          'end',
          'savepoint a',
          'rollback to a',
          'release a',
          'and chain',
        ],
        ...[
          "'",
          "''",
          '"',
          '$$',
          '$a$',
          '/*',
          '*/',
          '--',
          '\n',
          '\\',
          "E'",
          "U&'",
          '(',
          ')',
          'insert into effect values (1)',
        ],
        ...[
          "'a'",
          '"b"',
          'abort',
          'select 1;',
          '; commit',
          '; rollback;',
          'prepare transaction',
          'do $a$ begin end $a$',
          '$1',
        ],
      ),
      one('', ' ', '\n'),
    ),
    { minLength: 1, maxLength: 14 },
  )
  .map((parts) => parts.flat().join(''))

/** Runs a text by itself, whatever comes of it. */
async function run(text: string): Promise<void> {
  await client.query(text).catch(() => {})
  // What a text in pieces has left open.
  if ((client as unknown as { _txStatus: string })._txStatus !== 'I') await client.query('rollback')
}

async function ask(of: pg.Client, question: string): Promise<unknown> {
  return (await of.query(question)).rows[0]
}

/** How many texts of each kind have run without an error, so that what is claimed is claimed of something. */
const counts = { read: 0, shared: 0, open: 0 }

test(
  'a text that counts as a read writes nothing, and one that is shared leaves the session as it was',
  async () => {
    await fc.assert(
      fc.asyncProperty(statement, async (text) => {
        const reads = isPlainRead(text, catalog)
        const shared = isShareable(text, catalog.latest)
        if (!reads && !shared) return
        const before = [await ask(observer, WRITTEN), await ask(client, OF_SESSION)]
        await run(text)
        const [written, session] = [await ask(observer, WRITTEN), await ask(client, OF_SESSION)]
        if (reads) {
          counts.read += 1
          expect({ text, written }).toEqual({ text, written: before[0] })
        }
        if (shared) {
          counts.shared += 1
          expect({ text, session }).toEqual({ text, session: before[1] })
        }
      }),
      { numRuns: RUNS },
    )
    expect(Math.min(counts.read, counts.shared)).toBeGreaterThan(RUNS / 50)
  },
  patient(600_000),
)

test(
  'a text that counts as committing nothing leaves its transaction uncommitted',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(soup, statement), async (text) => {
        if (mayCommitBlock(text)) return
        counts.open += 1
        await client.query('begin; insert into marker values (1)')
        await run(text)
        const left = await ask(observer, 'select count(*)::int as n from marker')
        expect({ text, left }).toEqual({ text, left: { n: 0 } })
      }),
      { numRuns: RUNS },
    )
    expect(counts.open).toBeGreaterThan(RUNS / 50)
  },
  patient(600_000),
)

test(
  'a text that counts as changing no catalog leaves functions and views as they were',
  async () => {
    const definitions = `select (select md5(string_agg(proname || prosrc, ',' order by oid)) from pg_proc where oid > 16383) as f,
    (select count(*) from pg_rewrite) as v, (select count(*) from pg_operator) as o`
    const makes = one(
      'create function zz() returns int as $$ select 1 $$ language sql',
      'create view zv as select 1',
      'create or replace temp view zv as select 2',
      'do $$ begin create view zd as select 1; end $$',
    )
    const text = fc
      .tuple(soup, makes, soup)
      .map(([before, made, after]) => `${before} ${made} ${after}`)
    await fc.assert(
      fc.asyncProperty(fc.oneof(text, soup), async (sent) => {
        if (mayChangeCatalog(sent)) return
        const before = (await ask(observer, definitions)) as { f: string }
        await client.query(sent).catch(() => {})
        await run('commit')
        const after = (await ask(observer, definitions)) as { f: string }
        expect({ sent, after }).toEqual({ sent, after: before })
      }),
      { numRuns: RUNS / 2 },
    )
  },
  patient(600_000),
)
