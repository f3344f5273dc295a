import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
} from 'kysely'
import type { Random } from './random.js'
import { COMPARISONS, RELATIONS, randomValue, TABLE_NAMES, TABLES } from './schema.js'

/** Tables of any columns: what is written is of interest, not its types. */
type AnyTables = Record<string, Record<string, unknown>>

const db = new Kysely<AnyTables>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (instance) => new PostgresIntrospector(instance),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
})

/** A statement as Kysely's compiler writes it. */
export function kyselyStatement(random: Random): string {
  return random.pick([select, join, insert, update, remove, aggregate, withExpression])(random)
}

function select(random: Random): string {
  const table = random.pick(TABLE_NAMES)
  const columns = TABLES[table]
  let query = db.selectFrom(table).select(random.some(columns))
  for (const column of random.list(0, 3, () => random.pick(columns)))
    query = random.chance(0.4)
      ? query.where(
          column,
          'in',
          random.list(1, 8, () => randomValue(random)),
        )
      : query.where(column, random.pick(COMPARISONS), randomValue(random))
  if (random.chance(0.3))
    query = query.where((all) =>
      all.or(random.list(2, 4, () => all('id', '=', randomValue(random)))),
    )
  if (random.chance(0.2)) query = query.where(random.pick(columns), 'is', null)
  if (random.chance(0.5)) query = query.orderBy(random.pick(columns), random.pick(['asc', 'desc']))
  if (random.chance(0.5)) query = query.limit(random.integer(1, 100))
  if (random.chance(0.2)) query = query.offset(random.integer(1, 100))
  if (random.chance(0.1)) query = query.forUpdate().skipLocked()
  return query.compile().sql
}

function join(random: Random): string {
  const [child, column, parent] = random.pick(RELATIONS)
  let query = db
    .selectFrom(`${child} as c`)
    .leftJoin(`${parent} as p`, `p.id`, `c.${column}`)
    .select(random.some(TABLES[child]).map((each) => `c.${each} as child_${each}`))
    .select('p.id as parent_id')
  if (random.chance(0.6)) query = query.where('p.id', '=', randomValue(random))
  if (random.chance(0.3)) query = query.where(sql<boolean>`lower(c.id::text) like ${'%x%'}`)
  return query.compile().sql
}

function insert(random: Random): string {
  const table = random.pick(TABLE_NAMES)
  const columns = random.some(TABLES[table].slice(1))
  const rows = random.list(1, 6, () =>
    Object.fromEntries(columns.map((column) => [column, randomValue(random)])),
  )
  const query = db.insertInto(table).values(rows)
  if (random.chance(0.4)) return query.returningAll().compile().sql
  if (random.chance(0.4))
    return query
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ [columns[0] as string]: 1 }))
      .compile().sql
  return query.compile().sql
}

function update(random: Random): string {
  const table = random.pick(TABLE_NAMES)
  const set = Object.fromEntries(
    random.some(TABLES[table].slice(1)).map((column) => [column, randomValue(random)]),
  )
  return db.updateTable(table).set(set).where('id', '=', randomValue(random)).compile().sql
}

function remove(random: Random): string {
  const query = db.deleteFrom(random.pick(TABLE_NAMES))
  return random.chance(0.5)
    ? query
        .where(
          'id',
          'in',
          random.list(1, 9, () => randomValue(random)),
        )
        .compile().sql
    : query.where('id', '=', randomValue(random)).returning('id').compile().sql
}

function aggregate(random: Random): string {
  const [child, column] = random.pick(RELATIONS)
  return db
    .selectFrom(child)
    .select(column)
    .select((all) => all.fn.countAll().as('n'))
    .groupBy(column)
    .having((all) => all.fn.countAll(), '>', random.integer(1, 9))
    .compile().sql
}

function withExpression(random: Random): string {
  const [child, column, parent] = random.pick(RELATIONS)
  return db
    .with('recent', (all) =>
      all
        .selectFrom(child)
        .select([column, 'id'])
        .where('id', '>', randomValue(random))
        .limit(random.integer(1, 50)),
    )
    .selectFrom('recent')
    .innerJoin(parent, `${parent}.id`, `recent.${column}`)
    .selectAll()
    .compile().sql
}
