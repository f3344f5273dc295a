import type { Client } from '@libsql/client'
import { eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/libsql'
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { type Driver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import { PrismaClient } from './generated/client.js'

type Adapter = NonNullable<ConstructorParameters<typeof PrismaClient>[0]>['adapter'] & object

export const SCHEMA = `
  create table User (id integer primary key autoincrement, email text not null unique, name text);
  create table Post (id integer primary key autoincrement, title text not null, authorId integer not null references User (id));
  create table ledger (id integer primary key, caller, amount)`

/** What the load does through one ORM. */
export interface Shop {
  insert(email: string): Promise<unknown>
  /** Reads how many posts there are, then writes one more with that number as its title; fails at the end if `undo`. */
  post(email: string, undo: boolean): Promise<unknown>
  /** A transaction within a transaction that is undone. */
  nested(email: string): Promise<unknown>
  users(): Promise<string[]>
  /** In the order in which they were written. */
  titles(): Promise<string[]>
  close(): Promise<unknown>
}

const users = sqliteTable('User', {
  id: integer().primaryKey({ autoIncrement: true }),
  email: text().notNull(),
  name: text(),
})
const posts = sqliteTable('Post', {
  id: integer().primaryKey({ autoIncrement: true }),
  title: text().notNull(),
  authorId: integer().notNull(),
})

export function drizzleShop(client: Client): Shop {
  const db = drizzle(client)
  return {
    insert: (email) => db.insert(users).values({ email }),
    post: (email, undo) =>
      db.transaction(async (tx) => {
        const [author] = await tx.insert(users).values({ email }).returning()
        const [row] = await tx.select({ n: sql<number>`count(*)` }).from(posts)
        await tx.insert(posts).values({ title: String(row?.n), authorId: author?.id ?? 0 })
        if (undo) throw new Error('undo')
      }),
    nested: (email) =>
      db.transaction(async (tx) => {
        await tx.insert(users).values({ email })
        await tx
          .transaction(async (inner) => {
            await inner.update(users).set({ name: 'wrong' }).where(eq(users.email, email))
            throw new Error('inner')
          })
          .catch(() => {})
      }),
    users: async () => (await db.select().from(users)).map((each) => each.email),
    titles: async () => (await db.select().from(posts).orderBy(posts.id)).map((each) => each.title),
    close: async () => {},
  }
}

interface Schema {
  User: { id: number | undefined; email: string; name: string | null }
  Post: { id: number | undefined; title: string; authorId: number }
}

export function kyselyShop(createDriver: () => Driver): Shop {
  const db = new Kysely<Schema>({
    dialect: {
      createDriver,
      createAdapter: () => new SqliteAdapter(),
      createIntrospector: (each) => new SqliteIntrospector(each),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  })
  const author = (email: string) => ({ id: undefined, email, name: null })
  return {
    insert: (email) => db.insertInto('User').values(author(email)).execute(),
    post: (email, undo) =>
      db.transaction().execute(async (tx) => {
        const { insertId } = await tx
          .insertInto('User')
          .values(author(email))
          .executeTakeFirstOrThrow()
        const row = await tx
          .selectFrom('Post')
          .select(({ fn }) => fn.countAll().as('n'))
          .executeTakeFirstOrThrow()
        await tx
          .insertInto('Post')
          .values({ id: undefined, title: String(row.n), authorId: Number(insertId) })
          .execute()
        if (undo) throw new Error('undo')
      }),
    nested: async (email) => {
      const tx = await db.startTransaction().execute()
      try {
        await tx.insertInto('User').values(author(email)).execute()
        const inner = await tx.savepoint('inner').execute()
        await inner.updateTable('User').set({ name: 'wrong' }).where('email', '=', email).execute()
        await inner.rollbackToSavepoint('inner').execute()
      } catch (error) {
        await tx.rollback().execute()
        throw error
      }
      await tx.commit().execute()
    },
    users: async () =>
      (await db.selectFrom('User').select('email').execute()).map((each) => each.email),
    titles: async () =>
      (await db.selectFrom('Post').select('title').orderBy('id').execute()).map(
        (each) => each.title,
      ),
    close: () => db.destroy(),
  }
}

export function prismaShop(adapter: Adapter): Shop {
  const prisma = new PrismaClient({ adapter })
  const options = { maxWait: 30_000, timeout: 30_000 }
  return {
    insert: (email) => prisma.user.create({ data: { email } }),
    post: (email, undo) =>
      prisma.$transaction(async (tx) => {
        const author = await tx.user.create({ data: { email } })
        const title = String(await tx.post.count())
        await tx.post.create({ data: { title, authorId: author.id } })
        if (undo) throw new Error('undo')
      }, options),
    nested: (email) =>
      prisma.$transaction([
        prisma.user.create({ data: { email } }),
        prisma.user.updateMany({ where: { email }, data: { name: null } }),
      ]),
    users: async () => (await prisma.user.findMany()).map((each) => each.email),
    titles: async () =>
      (await prisma.post.findMany({ orderBy: { id: 'asc' } })).map((each) => each.title),
    close: () => prisma.$disconnect(),
  }
}
