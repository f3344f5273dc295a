import type { PgConnectionManager } from '@connmgr/pg'
import { withConnectionManager } from '@connmgr/typeorm'
import {
  DataSource,
  type DataSourceOptions,
  type EntityTarget,
  type ObjectLiteral,
  type Repository,
} from 'typeorm'
import { CONNECTIONS } from './postgres-subjects.js'
import type { Subject } from './subjects.js'

/** TypeORM over a manager, or by itself without one. */
export async function throughTypeorm<E extends ObjectLiteral>(
  url: string,
  entities: NonNullable<DataSourceOptions['entities']>,
  entity: EntityTarget<E>,
  ask: (repository: Repository<E>, id: number) => Promise<unknown>,
  manager?: PgConnectionManager,
): Promise<Subject> {
  const options = { type: 'postgres' as const, url, entities, poolSize: CONNECTIONS }
  const dataSource = await new DataSource(
    manager === undefined ? options : withConnectionManager(options, manager),
  ).initialize()
  const repository = dataSource.getRepository(entity)
  return {
    query: (id) => ask(repository, id),
    close: async () => {
      await dataSource.destroy()
      await manager?.close()
    },
  }
}
