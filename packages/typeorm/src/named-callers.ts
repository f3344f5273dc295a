import { nameCalls } from '@connmgr/core/driver'
import type { DataSource } from 'typeorm'
import { ownershipOfSource } from './data-source-ownership.js'

/** What the classes of TypeORM below have of their DataSource: 0.3 calls it `connection`. */
interface OfDataSource {
  readonly dataSource?: DataSource
  readonly connection?: DataSource
}

/** A class of TypeORM, or of a part of it that it does not export. */
interface Class {
  readonly prototype: object
}

const OF_ENTITY_MANAGERS = [
  'query',
  'sql',
  'preload',
  'save',
  'remove',
  'softRemove',
  'recover',
  'insert',
  'upsert',
  'update',
  'updateAll',
  'delete',
  'deleteAll',
  'softDelete',
  'restore',
  'exists',
  'exist',
  'existsBy',
  'count',
  'countBy',
  'sum',
  'average',
  'minimum',
  'maximum',
  'find',
  'findBy',
  'findAndCount',
  'findAndCountBy',
  'findByIds',
  'findOne',
  'findOneBy',
  'findOneById',
  'findOneOrFail',
  'findOneByOrFail',
  'clear',
  'increment',
  'decrement',
]
const OF_SELECTS = [
  'getRawAndEntities',
  'getRawMany',
  'getRawOne',
  'getMany',
  'getOne',
  'getOneOrFail',
  'getCount',
  'getExists',
  'getManyAndCount',
  'stream',
]
const OF_RELATIONS = ['set', 'add', 'remove', 'addAndRemove', 'loadOne', 'loadMany']
const OF_TREES = [
  'findTrees',
  'findRoots',
  'findDescendants',
  'findDescendantsTree',
  'countDescendants',
  'findAncestors',
  'findAncestorsTree',
  'countAncestors',
]

/**
 * Has statements count for the line that calls a method of TypeORM, for observers of the manager's statements: also in a
 * function that returns its promise to a caller who awaits it, and for relations that are lazy. DataSources that are not
 * managed go on as before.
 */
export function nameCallers(typeorm: typeof import('typeorm')): void {
  const { DataSource: Source, EntityManager, Repository, TreeRepository } = typeorm
  nameCalls<OfDataSource>(EntityManager.prototype, OF_ENTITY_MANAGERS, isWatched)
  // They call those above; in a bundle no path tells their code from that of the program.
  nameCalls(Repository.prototype, OF_ENTITY_MANAGERS, ({ manager }) => isWatched(manager))
  nameCalls(TreeRepository.prototype, OF_TREES, ({ manager }) => isWatched(manager))
  nameCalls(Source.prototype, ['query', 'sql'], isWatchedSource)
  const { DeleteQueryBuilder, InsertQueryBuilder, UpdateQueryBuilder } = typeorm
  const { QueryBuilder, RelationQueryBuilder, SelectQueryBuilder } = typeorm
  const builders: readonly (readonly [Class, readonly string[]])[] = [
    [SelectQueryBuilder, OF_SELECTS],
    [RelationQueryBuilder, OF_RELATIONS],
    [QueryBuilder as unknown as Class, ['execute']],
    [InsertQueryBuilder, ['execute']],
    [UpdateQueryBuilder, ['execute']],
    [DeleteQueryBuilder, ['execute']],
  ]
  for (const [{ prototype }, names] of builders)
    nameCalls<OfDataSource>(prototype, names, isWatched)
}

function isWatched(self: OfDataSource): boolean {
  const dataSource = self.dataSource ?? self.connection
  return dataSource !== undefined && isWatchedSource(dataSource)
}

function isWatchedSource(dataSource: DataSource): boolean {
  return ownershipOfSource(dataSource)?.watched === true
}
