import {
  and,
  count,
  desc,
  eq,
  exists,
  gt,
  inArray,
  isNull,
  like,
  or,
  type SQL,
  sql,
} from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { boolean, integer, pgTable, serial, text, timestamp } from 'drizzle-orm/pg-core'
import { Pool } from 'pg'
import type { Random } from './random.js'

const users = pgTable('users', {
  id: serial('id').primaryKey(),
  email: text('email'),
  name: text('name'),
  createdAt: timestamp('created_at').defaultNow(),
})
const posts = pgTable('posts', {
  id: serial('id').primaryKey(),
  title: text('title'),
  authorId: integer('author_id'),
  published: boolean('published').default(false),
})
/** Never connects. */
const db = drizzle(new Pool({ max: 1 }))

/** A statement as Drizzle writes it. */
export function drizzleStatement(random: Random): string {
  return random.pick([select, join, insert, update, remove])(random)
}

function condition(random: Random): SQL | undefined {
  const parts = random.list(0, 3, () =>
    random.pick([
      eq(posts.id, random.integer(1, 99)),
      inArray(
        posts.authorId,
        random.list(1, 9, () => random.integer(1, 99)),
      ),
      like(posts.title, '%a%'),
      isNull(posts.authorId),
      eq(posts.published, random.chance(0.5)),
      gt(posts.id, random.integer(1, 9)),
      sql`${posts.title} <> 'it''s'`,
      exists(db.select({ one: sql`1` }).from(users).where(eq(users.id, posts.authorId))),
    ]),
  )
  return random.chance(0.5) ? and(...parts) : or(...parts)
}

function select(random: Random): string {
  const query = db.select().from(posts).where(condition(random)).$dynamic()
  if (random.chance(0.4)) query.orderBy(desc(posts.id))
  if (random.chance(0.5)) query.limit(random.integer(1, 40))
  if (random.chance(0.3)) query.offset(random.integer(1, 40))
  return query.toSQL().sql
}

function join(random: Random): string {
  return db
    .select({ id: users.id, posts: count(posts.id) })
    .from(users)
    .leftJoin(posts, eq(posts.authorId, users.id))
    .where(condition(random))
    .groupBy(users.id)
    .toSQL().sql
}

function insert(random: Random): string {
  const rows = random.list(1, 6, () => ({
    title: `t${random.integer(1, 9)}`,
    ...(random.chance(0.5) ? { authorId: random.integer(1, 9) } : {}),
    ...(random.chance(0.3) ? { published: true } : {}),
  }))
  const query = db.insert(posts).values(rows)
  return random.chance(0.5) ? query.returning().toSQL().sql : query.toSQL().sql
}

function update(random: Random): string {
  return db
    .update(posts)
    .set(random.pick([{ title: 'x' }, { published: true }, { title: 'x', published: false }]))
    .where(condition(random))
    .toSQL().sql
}

function remove(random: Random): string {
  return db.delete(posts).where(condition(random)).toSQL().sql
}
