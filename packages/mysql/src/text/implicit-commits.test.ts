import { describeEachProduct, type MysqlCluster } from '@connmgr/testing'
import { type Connection, createConnection } from 'mysql2/promise'
import { mayCommitBlock } from './statement-text.js'

/** Statements that may stand in a transaction, of both products. What one of them refuses commits there or does not. */
const STATEMENTS: readonly string[] = [
  'begin',
  'start transaction',
  'set autocommit = 1',
  'lock tables other write',
  'create table made (n int)',
  'alter table made add m int',
  'create index made_m on made (m)',
  'rename table made to made_again',
  'truncate made_again',
  'drop table made_again',
  'create view seen as select 1 as one',
  'drop view seen',
  'create function one() returns int deterministic return 1',
  'drop function one',
  'create trigger noted before insert on other for each row set @a = 1',
  'drop trigger noted',
  'create event later on schedule at current_timestamp + interval 1 day do select 1',
  'drop event later',
  'create database elsewhere',
  'drop database elsewhere',
  "create user someone@'%' identified by 'x'",
  "grant select on app.* to someone@'%'",
  "alter user someone@'%' identified by 'y'",
  "set password for someone@'%' = 'z'",
  "rename user someone@'%' to another@'%'",
  "revoke select on app.* from another@'%'",
  "drop user another@'%'",
  'create role worker',
  'drop role worker',
  'analyze table kept',
  'check table kept',
  'optimize table kept',
  'repair table kept',
  'checksum table kept',
  'flush tables',
  'flush status',
  'reset persist',
  "install component 'file://component_query_attributes'",
  "uninstall component 'file://component_query_attributes'",
  'set persist sort_buffer_size = 262144',
  'set global sort_buffer_size = 262144',
  'change replication filter replicate_do_db = (app)',
  'stop replica',
  'reset replica all',
  'lock instance for backup',
  'unlock instance',
  'unlock tables',
  'create temporary table short_lived (n int)',
  'drop temporary table short_lived',
  'create sequence counted',
  'drop sequence counted',
  'savepoint here',
  'set @x = 1',
  'set names utf8mb4',
  'use app',
  'handler kept open',
  'handler kept close',
  "prepare made from 'select 1'",
  'execute made',
  'deallocate prepare made',
  'do 1',
  'select 1',
  'table kept',
  'show tables',
  'explain select 1',
  'call elsewhere.no_such()',
  'xa recover',
  'kill query 4000000',
]

describeEachProduct('a statement in a transaction', ({ start }) => {
  let cluster: MysqlCluster
  let admin: Connection

  beforeAll(async () => {
    cluster = await start()
    await cluster.primary.query('create table kept (n int primary key)')
    await cluster.primary.query('create table other (n int)')
    admin = await createConnection(cluster.primary.url({ user: 'admin' }))
  })
  afterAll(async () => {
    admin?.destroy()
    await cluster?.stop()
  })

  test('that commits it is known to commit, of all kinds', async () => {
    const committed: string[] = []
    for (const [n, sql] of STATEMENTS.entries()) {
      if (sql.startsWith('set autocommit')) await admin.query('set autocommit = 0')
      await admin.query('begin')
      await admin.query('insert into kept values (?)', [n])
      // Refused or not, it may have committed.
      await admin.query(sql).catch(() => {})
      const rows = await cluster.primary.query('select 1 from kept where n = ?', [n])
      if (rows.length > 0) committed.push(sql)
      await admin.query('rollback')
      await admin.query('unlock tables')
    }
    expect(committed.length).toBeGreaterThan(20)
    expect(committed.filter((sql) => !mayCommitBlock(sql))).toEqual([])
    expect(committed).toEqual(expect.arrayContaining(['begin', 'create table made (n int)']))
  })
})
