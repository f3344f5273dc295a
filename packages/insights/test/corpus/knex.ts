import knex from 'knex'
import type { Random } from './random.js'
import { COMPARISONS, RELATIONS, randomValue, TABLE_NAMES, TABLES } from './schema.js'

const db = knex({ client: 'pg' })

/** A statement as Knex writes it: as sent, or with its values written into the text. */
export function knexStatement(random: Random): string {
  const query = random.pick([select, join, insert, update, remove, raw])(random)
  return random.chance(0.3) ? query.toQuery() : query.toSQL().toNative().sql
}

interface Written {
  toQuery(): string
  toSQL(): { toNative(): { readonly sql: string } }
}

function select(random: Random): Written {
  const table = random.pick(TABLE_NAMES)
  const columns = TABLES[table]
  const query = db(table).select(random.some(columns))
  for (const column of random.list(0, 3, () => random.pick(columns))) {
    if (random.chance(0.3))
      query.whereIn(
        column,
        random.list(1, 8, () => randomValue(random)),
      )
    else if (random.chance(0.2)) query.whereNull(column)
    else if (random.chance(0.25))
      query.whereBetween(column, [randomValue(random), randomValue(random)])
    else query.where(column, random.pick(COMPARISONS), randomValue(random))
  }
  if (random.chance(0.3)) query.orderBy(random.pick(columns), random.pick(['asc', 'desc']))
  if (random.chance(0.5)) query.limit(random.integer(1, 50))
  if (random.chance(0.1)) query.distinct()
  return query
}

function join(random: Random): Written {
  const [child, column, parent] = random.pick(RELATIONS)
  return db({ c: child })
    .join({ p: parent }, 'p.id', `c.${column}`)
    .where('p.id', randomValue(random))
    .count({ total: '*' })
}

function insert(random: Random): Written {
  const table = random.pick(TABLE_NAMES)
  const columns = random.some(TABLES[table].slice(1))
  const query = db(table).insert(
    random.list(1, 5, () =>
      Object.fromEntries(columns.map((column) => [column, randomValue(random)])),
    ),
  )
  return random.chance(0.4)
    ? query.onConflict('id').merge()
    : random.chance(0.5)
      ? query.returning('id')
      : query
}

function update(random: Random): Written {
  const table = random.pick(TABLE_NAMES)
  const set = random.some(TABLES[table].slice(1)).map((column) => [column, randomValue(random)])
  return db(table)
    .where({ id: randomValue(random) })
    .update(Object.fromEntries(set))
}

function remove(random: Random): Written {
  return db(random.pick(TABLE_NAMES))
    .whereIn(
      'id',
      random.list(1, 8, () => randomValue(random)),
    )
    .del()
}

function raw(random: Random): Written {
  return db.raw(
    random.pick([
      "select * from ?? where ?? = ? and created_at > now() - interval '1 day'",
      'select count(*) filter (where id > 3) from ?? where (??)::text ilike ?',
    ]),
    ['users', 'id', randomValue(random)],
  )
}
