import {
  describeEachProduct,
  eventually,
  type MysqlCluster,
  type MysqlNode,
} from '@connmgr/testing'
import { DataSource } from 'typeorm'
import { Author, ENTITIES } from '../../test/entities.js'
import {
  getConnections,
  type MysqlDataSourceOptions,
  replayTransaction,
  withConnectionManager,
} from '../index.js'

describeEachProduct('servers under TypeORM', ({ product, start }) => {
  let cluster: MysqlCluster
  let primary: MysqlNode
  let replica: MysqlNode
  let dataSource: DataSource

  beforeEach(async () => {
    cluster = await start({ replicas: 1, synchronous: true })
    primary = cluster.primary
    replica = cluster.replicas[0] as MysqlNode
  })
  afterEach(async () => {
    if (dataSource?.isInitialized) await dataSource.destroy()
    await cluster.stop()
  })

  async function open(
    type: 'mysql' | 'mariadb',
    options: Partial<MysqlDataSourceOptions>,
    manager: object = {},
  ): Promise<DataSource> {
    dataSource = new DataSource(
      withConnectionManager(
        { type, entities: ENTITIES, synchronize: true, ...options } as MysqlDataSourceOptions,
        { logger: false, ...manager },
      ),
    )
    return dataSource.initialize()
  }

  const names = async (): Promise<string[]> =>
    (await dataSource.getRepository(Author).find({ order: { id: 'ASC' } })).map(({ name }) => name)

  test('the same DataSource goes on writing on the promoted replica after a crash', async () => {
    await open(product.id, { url: primary.url() }, { failoverUrls: [replica.url()] })
    const authors = dataSource.getRepository(Author)
    await authors.save({ name: 'before' })
    const connections = getConnections(dataSource, product.id)
    await primary.crash()
    // A statement that is sent before the end of its connection is noticed is of unknown outcome, and rejected as such.
    await eventually(() => connections.getFailoverStatus().state !== 'STEADY')
    const writing = authors.insert({ name: 'after' })
    await replica.promote()
    await writing
    expect(await names()).toEqual(['before', 'after'])
    expect(connections.getFailoverStatus().failovers).toBe(1)
  })

  test('a transaction whose connection is killed is run again, and its first attempt leaves nothing', async () => {
    await open(product.id, { url: primary.url() })
    const attempts: number[] = []
    await replayTransaction(dataSource, async (entities, attempt) => {
      attempts.push(attempt)
      await entities.insert(Author, { name: `attempt ${attempt}` })
      if (attempt === 1) await primary.killConnections('app')
      await entities.count(Author)
    })
    expect(attempts).toEqual([1, 2])
    expect(await names()).toEqual(['attempt 2'])
  })

  test('with replication, reads go to the replica and writes to the primary', async () => {
    await open('mysql', {
      replication: { master: { url: primary.url() }, slaves: [{ url: replica.url() }] },
    })
    await dataSource.getRepository(Author).save({ name: 'Ada' })
    await replica.waitForReplay(primary)
    const serverOf = async (mode: 'master' | 'slave') => {
      const queryRunner = dataSource.createQueryRunner(mode)
      const [row] = await queryRunner.query('select @@server_id as id')
      await queryRunner.release()
      return Number(row.id)
    }
    expect(await serverOf('slave')).toBe(replica.serverId)
    expect(await serverOf('master')).toBe(primary.serverId)
    expect(await names()).toEqual(['Ada'])
    const connections = getConnections(dataSource, 'mysql')
    expect(connections.getFailoverStatus().endpoints).toHaveLength(2)
    await dataSource.destroy()
    expect(connections.closed).toBe(true)
  })

  test('with replication, reads go to the primary while no replica is fit', async () => {
    await replica.stop()
    await open('mysql', {
      replication: { master: { url: primary.url() }, slaves: [{ url: replica.url() }] },
    })
    await dataSource.getRepository(Author).save({ name: 'Ada' })
    expect(await names()).toEqual(['Ada'])
  })
})
