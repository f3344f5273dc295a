import type { ConnectionManager } from '@connmgr/core'
import { eq, type SQL, sql } from 'drizzle-orm'
import type { PgColumn, PgDatabase, PgTable } from 'drizzle-orm/pg-core'
import type { OpenSubject } from './subject.js'

/** The tables of one dialect, typed as those of PostgreSQL: what is used of them is the same in all. */
export interface DrizzleTables {
  readonly users: PgTable & { readonly id: PgColumn }
  readonly posts: PgTable & {
    readonly id: PgColumn
    readonly title: PgColumn
    readonly authorId: PgColumn
  }
}

type Database = Pick<PgDatabase<never>, 'select' | 'update' | 'transaction'>

/** Drizzle, over the database that `open` makes of a manager. */
export function drizzleOn(
  open: (manager: ConnectionManager<object>) => object,
  { posts, users }: DrizzleTables,
): OpenSubject {
  return (manager) => {
    const db = open(manager) as Database
    const titled = (title: string) => ({ title: sql`${title}` }) as Record<string, SQL>
    return {
      async repeat() {
        for (const user of (await db.select().from(users)) as { id: number }[])
          await db.select().from(posts).where(eq(posts.authorId, user.id)) // MARK: drizzle repeats
      },
      async repeatByFunction() {
        const postsOf = (id: number) => db.select().from(posts).where(eq(posts.authorId, id)) // MARK: drizzle returns
        const all = (await db.select().from(users)) as { id: number }[]
        await Promise.all(all.map(({ id }) => postsOf(id)))
      },
      join: async () => db.select().from(users).leftJoin(posts, eq(posts.authorId, users.id)),
      holdIdle: (elsewhere) =>
        db.transaction(async (tx) => {
          await tx.update(posts).set(titled('held')).where(eq(posts.id, 1)) // MARK: drizzle holds
          await elsewhere()
        }),
      lock: (locked, release) =>
        db.transaction(async (tx) => {
          await tx.update(posts).set(titled('locked')).where(eq(posts.id, 2)) // MARK: drizzle locks
          locked()
          await release
        }),
      async wait() {
        await db.update(posts).set(titled('waits')).where(eq(posts.id, 2)) // MARK: drizzle waits
      },
      slow: async (condition) => db.select().from(posts).where(sql.raw(condition)), // MARK: drizzle is slow
      close: async () => {},
    }
  }
}
