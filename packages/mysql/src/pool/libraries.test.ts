import { describeEachProduct, type MysqlCluster, type MysqlNode, Opened } from '@connmgr/testing'
import { sql as drizzleSql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/mysql2'
import { Kysely, MysqlDialect, sql } from 'kysely'
import { Column, DataSource, Entity, PrimaryGeneratedColumn } from 'typeorm'
import {
  createConnectionManager,
  createPool,
  createPoolCluster,
  type MysqlConnectionManager,
} from '../index.js'

@Entity('notes')
class Note {
  @PrimaryGeneratedColumn()
  id!: number
  @Column({ type: 'varchar', length: 50 })
  text!: string
}

describeEachProduct('the pools under libraries that take one of mysql2', ({ start }) => {
  let cluster: MysqlCluster
  let replica: MysqlNode
  let manager: MysqlConnectionManager
  const opened = new Opened()

  beforeAll(async () => {
    cluster = await start({ replicas: 1 })
    replica = cluster.replicas[0] as MysqlNode
    await cluster.primary.query(
      'create table notes (id int auto_increment primary key, text varchar(50)) engine=innodb',
    )
    await replica.waitForReplay(cluster.primary)
  })
  beforeEach(() => {
    manager = opened.add(
      createConnectionManager({
        databaseUrl: cluster.primary.url(),
        failoverUrls: [replica.url()],
        logger: false,
      }),
    )
  })
  afterEach(() => opened.close())
  afterAll(() => cluster?.stop())

  const credentials = (node: MysqlNode) => ({
    host: node.host,
    port: node.port,
    username: 'app',
    password: 'app-secret',
    database: 'app',
  })

  test('Kysely queries, streams and commits', async () => {
    const db = new Kysely<{ notes: { id: number; text: string } }>({
      dialect: new MysqlDialect({ pool: manager.pool as never }),
    })
    await db.transaction().execute(async (transaction) => {
      await transaction.insertInto('notes').values({ id: 100, text: 'kysely' }).execute()
    })
    expect(await db.selectFrom('notes').select('text').where('id', '=', 100).execute()).toEqual([
      { text: 'kysely' },
    ])
    const rows: unknown[] = []
    for await (const row of db.selectFrom('notes').select('text').where('id', '=', 100).stream())
      rows.push(row)
    expect(rows).toEqual([{ text: 'kysely' }])
    expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }])
    expect(manager.getPoolMetrics().checkedOut).toBe(0)
    await db.destroy()
  })

  test('Drizzle queries and rolls back', async () => {
    const db = drizzle({ client: manager.pool as never })
    await db.execute(drizzleSql`insert into notes (id, text) values (200, 'drizzle')`)
    await expect(
      db.transaction(async (transaction) => {
        await transaction.execute(drizzleSql`delete from notes`)
        throw new Error('of the work')
      }),
    ).rejects.toThrow('of the work')
    const [rows] = await db.execute(drizzleSql`select text from notes where id = 200`)
    expect(rows).toEqual([{ text: 'drizzle' }])
    expect(manager.getPoolMetrics().checkedOut).toBe(0)
  })

  test('TypeORM saves, and commits a transaction', async () => {
    const source = new DataSource({
      type: 'mysql',
      driver: { createPool: (config: object) => createPool({ ...config, logger: false } as never) },
      ...credentials(cluster.primary),
      entities: [Note],
    })
    await source.initialize()
    await source.transaction(async (entities) => {
      await entities.save(Note, { text: 'typeorm' } as Note)
    })
    expect(await source.getRepository(Note).findOneBy({ text: 'typeorm' })).toMatchObject({
      text: 'typeorm',
    })
    await source.destroy()
  })

  test('TypeORM with replication reads on the replica and writes on the primary', async () => {
    const source = new DataSource({
      type: 'mysql',
      driver: { createPoolCluster },
      replication: { master: credentials(cluster.primary), slaves: [credentials(replica)] },
      entities: [Note],
      extra: { logger: false },
    })
    await source.initialize()
    const reader = source.createQueryRunner('slave')
    const writer = source.createQueryRunner('master')
    const server = 'select @@server_id as id'
    expect(Number((await reader.query(server))[0].id)).toBe(replica.serverId)
    expect(Number((await writer.query(server))[0].id)).toBe(cluster.primary.serverId)
    await reader.release()
    await writer.release()
    await source.destroy()
  })
})
