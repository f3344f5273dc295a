import type { DuckDbConnectionManager } from '@connmgr/duckdb'
import type { OpenSubject } from './subject.js'

/** Connections of DuckDB themselves: no library has an adapter for them. */
export const duckdbAlone: OpenSubject = (given) => {
  const manager = given as unknown as DuckDbConnectionManager
  return {
    async repeat() {
      const users = await manager.use((db) => db.runAndReadAll('select id from "User"'))
      for (const [id] of users.getRows() as number[][])
        await manager.use(
          (db) =>
            db.runAndReadAll('select * from "Post" where "authorId" = $id', { id: Number(id) }), // MARK: duckdb repeats
        )
    },
    async repeatByFunction() {
      const postsOf = (id: number) =>
        manager.use((db) => db.runAndReadAll('select * from "Post" where "authorId" = $id', { id })) // MARK: duckdb returns
      const users = await manager.use((db) => db.runAndReadAll('select id from "User"'))
      await Promise.all((users.getRows() as number[][]).map(([id]) => postsOf(Number(id))))
    },
    join: () =>
      manager.use((db) =>
        db.runAndReadAll('select * from "User" u join "Post" p on p."authorId" = u.id'),
      ),
    holdIdle: (elsewhere) =>
      manager.transaction(async (db) => {
        await db.run(`update "Post" set title = 'held' where id = 1`) // MARK: duckdb holds
        await elsewhere()
      }),
    lock: (locked, release) =>
      manager.transaction(async (db) => {
        await db.run(`update "Post" set title = 'locked' where id = 2`) // MARK: duckdb locks
        locked()
        await release
      }),
    wait: () => manager.use((db) => db.run(`update "Post" set title = 'waits' where id = 3`)), // MARK: duckdb waits
    slow: (sql) => manager.use((db) => db.runAndReadAll(`select id from "Post" where ${sql}`)), // MARK: duckdb is slow
    close: async () => {},
  }
}
