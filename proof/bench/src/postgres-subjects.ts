import {
  createConnectionManager,
  type PgConnectionManager,
  type PgManagerOptions,
} from '@connmgr/pg'
import { withConnectionManager as typeormWith } from '@connmgr/typeorm'
import pg from 'pg'
import {
  DataSource,
  type DataSourceOptions,
  type EntityTarget,
  type ObjectLiteral,
  type Repository,
} from 'typeorm'
import type { Subject } from './subjects.js'

/** Connections of each contender. */
export const CONNECTIONS = 10

/** A manager with as many connections as the pools beside it. */
export function managerOf(url: string, options: PgManagerOptions = {}): PgConnectionManager {
  return createConnectionManager({
    databaseUrl: url,
    poolSize: CONNECTIONS,
    maxOverflow: 0,
    logger: false,
    ...options,
  })
}

/** node-postgres' own pool. */
export function poolOf(url: string): pg.Pool {
  return new pg.Pool({ connectionString: url, max: CONNECTIONS })
}

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
    manager === undefined ? options : typeormWith(options, manager),
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
