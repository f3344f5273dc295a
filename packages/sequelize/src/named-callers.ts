import { nameCalls } from '@connmgr/core/driver'
import type { Model, ModelStatic, Sequelize } from 'sequelize'

const OF_MODELS = [
  'findAll',
  'findByPk',
  'findOne',
  'findAndCountAll',
  'aggregate',
  'count',
  'max',
  'min',
  'sum',
  'create',
  'findOrCreate',
  'findCreateFind',
  'upsert',
  'bulkCreate',
  'truncate',
  'destroy',
  'restore',
  'update',
  'increment',
  'decrement',
]
const OF_INSTANCES = ['save', 'reload', 'update', 'destroy', 'restore', 'increment', 'decrement']

/**
 * Has statements count for the line that calls a method of Sequelize, for observers of the manager's statements: also in a
 * function that returns its promise to a caller who awaits it. Those of a Sequelize without a manager go on as before.
 *
 * @param isWatched whether statements of a Sequelize are observed
 */
export function nameCallers(
  sequelize: Sequelize,
  isWatched: (sequelize: Sequelize) => boolean,
): void {
  const { Model: Base } = sequelize.constructor as unknown as { readonly Model: ModelStatic<Model> }
  // A model that is not defined yet belongs to none.
  const watches = ({ sequelize: own }: { readonly sequelize?: Sequelize }): boolean =>
    own !== undefined && isWatched(own)
  nameCalls(Base, OF_MODELS, watches)
  nameCalls(Base.prototype as Model, OF_INSTANCES, watches)
  nameCalls(ownerOf(sequelize, 'query'), ['query'], isWatched)
}

/** The object among the prototypes that has a method as its own: the class may be derived from Sequelize's. */
function ownerOf<T extends object>(object: T, method: keyof T): T {
  let owner: T | null = object
  while (owner !== null && !Object.hasOwn(owner, method)) owner = Object.getPrototypeOf(owner)
  return owner ?? object
}
