import type { MysqlConnectionManager } from '@connmgr/mysql'
import { failureClassOf } from '../../../demo/src/mysql/failure-class.js'
import type { Work } from '../load.js'

/** The table takes the same id twice, so that a repeated write shows. */
export const LEDGER_TABLE = `create table ledger
  (number bigint auto_increment primary key, id varchar(100) not null, orm varchar(40) not null) engine = innodb`
const INSERT = "insert into ledger (id, orm) values (?, 'mysql2')"
const COUNT = "select count(*) from ledger where orm = 'mysql2'"

/** Autocommit statements on the pools of mysql2 that a manager has. */
export function throughPool(manager: MysqlConnectionManager): Work {
  const pool = manager.pool.promise()
  const replica = manager.replica.promise()
  return {
    orm: 'mysql2',
    write: (id) => pool.query(INSERT, [id]),
    read: () => replica.query(COUNT),
    failureOf: failureClassOf,
  }
}

/** The same writes in transactions that are run again when they have failed without effect. */
export function inTransactions(manager: MysqlConnectionManager): Work {
  return {
    ...throughPool(manager),
    write: (id) =>
      manager.transaction((connection) => connection.promise().query(INSERT, [id]), {
        replay: 'safe',
      }),
  }
}
