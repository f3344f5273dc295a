import { createConnection } from 'mysql2/promise'
import { eventually } from '../eventually.js'
import { transactionsRenewed } from './innodb-trx.js'
import type { MysqlNode } from './mysql-node.js'

const TABLE = 'deadlock_rows'
const ROWS = 50

/**
 * Has a transaction and another one wait for each other. The server ends the one that has written less, so that a statement
 * of `send` fails with errno 1213.
 *
 * @param send sends a statement in the transaction
 */
export async function provokeDeadlock(
  server: MysqlNode,
  send: (sql: string) => PromiseLike<unknown>,
): Promise<void> {
  const seed = `with recursive numbers as (select 1 as id union all select id + 1 from numbers where id < ${ROWS})
    select id, 0 as n from numbers`
  await server.query(`create table if not exists ${TABLE} (id int primary key, n int) ${seed}`)
  const other = await createConnection(server.url({ user: 'admin' }))
  try {
    await send(`update ${TABLE} set n = n + 1 where id = 1`)
    await other.query('begin')
    await other.query(`update ${TABLE} set n = n + 1 where id > 1`)
    const waiting = other.query(`update ${TABLE} set n = n + 1 where id = 1`)
    await eventually(async () => {
      await transactionsRenewed()
      const rows = await server.query(
        "select 1 from information_schema.innodb_trx where trx_state = 'LOCK WAIT'",
      )
      return rows.length > 0
    })
    await Promise.all([send(`update ${TABLE} set n = n + 1 where id = 2`), waiting])
  } finally {
    other.destroy()
  }
}
