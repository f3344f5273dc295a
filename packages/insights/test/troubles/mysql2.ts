import type { MysqlConnectionManager } from '@connmgr/mysql'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import type { OpenSubject } from './subject.js'

/** The pool of mysql2's shape itself, without any library above it. */
export const mysql2Alone: OpenSubject = (manager) => {
  const pool = (manager as unknown as MysqlConnectionManager).pool.promise()
  const within = async (work: (db: Connection) => Promise<unknown>) => {
    const connection = await pool.getConnection()
    try {
      await connection.beginTransaction()
      await work(connection)
      await connection.commit()
    } finally {
      connection.release()
    }
  }
  return {
    async repeat() {
      const [users] = await pool.query<RowDataPacket[]>('select id from `User`')
      for (const { id } of users)
        await pool.execute('select * from `Post` where authorId = ?', [id]) // MARK: mysql2 repeats
    },
    async repeatByFunction() {
      const postsOf = (id: number) => pool.execute('select * from `Post` where authorId = ?', [id]) // MARK: mysql2 returns
      const [users] = await pool.query<RowDataPacket[]>('select id from `User`')
      await Promise.all(users.map(({ id }) => postsOf(id)))
    },
    join: () => pool.query('select * from `User` u join `Post` p on p.authorId = u.id'),
    holdIdle: (elsewhere) =>
      within(async (db) => {
        await db.query("update `Post` set title = 'held' where id = 1") // MARK: mysql2 holds
        await elsewhere()
      }),
    lock: (locked, release) =>
      within(async (db) => {
        await db.query("update `Post` set title = 'locked' where id = 2") // MARK: mysql2 locks
        locked()
        await release
      }),
    wait: () => pool.execute('update `Post` set title = ? where id = ?', ['waits', 2]), // MARK: mysql2 waits
    slow: (sql) => pool.query(`select * from \`Post\` where ${sql}`), // MARK: mysql2 is slow
    close: async () => {},
  }
}
