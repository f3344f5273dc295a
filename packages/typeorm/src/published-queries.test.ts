import {
  describePublishedQueries,
  type PostgresCluster,
  type PublishingSubject,
  startCluster,
} from '@connmgr/testing'
import { DataSource, type DataSourceOptions, type EntityManager, MoreThan } from 'typeorm'
import { Files } from '../../sqlite/test/files.js'
import { ENTITIES, Tag } from '../test/entities.js'
import { getConnections, withConnectionManager } from './with-connection-manager.js'

const files = new Files()
let cluster: PostgresCluster

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(async () => {
  files.remove()
  await cluster.stop()
})

async function open(options: DataSourceOptions, text: RegExp): Promise<PublishingSubject> {
  const dataSource = await new DataSource(options).initialize()
  await dataSource.getRepository(Tag).insert([{ label: 'a' }, { label: 'b' }, { label: 'c' }])
  const read = (entities: EntityManager = dataSource.manager) =>
    entities.getRepository(Tag).findBy({ id: MoreThan(1) })
  const transact = (finish: () => void) =>
    dataSource.transaction(async (entities) => {
      await read(entities)
      await read(entities)
      finish()
    })
  return {
    manager: getConnections(dataSource),
    read: () => read(),
    fail: () => dataSource.query('select no_such_column'),
    transact,
    text,
    close: () => dataSource.destroy(),
  }
}

const shared = { entities: ENTITIES, synchronize: true } as const

describePublishedQueries('TypeORM on PostgreSQL', () =>
  open(
    withConnectionManager(
      { type: 'postgres', url: cluster.primary.url(), ...shared },
      { logger: false },
    ),
    /^SELECT .* FROM "tags" "Tag" WHERE \(\("Tag"\."id" > \$1\)\)$/,
  ),
)

describePublishedQueries('TypeORM on SQLite', () =>
  open(
    withConnectionManager(
      { type: 'better-sqlite3', database: files.path(), ...shared },
      { logger: false },
    ),
    // TypeORM writes numbers into its texts for SQLite.
    /^SELECT .* FROM "tags" "Tag" WHERE \(\("Tag"\."id" > 1\)\)$/,
  ),
)
