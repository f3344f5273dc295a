import type { EntityManager } from 'typeorm'
import type { ManagedType } from '../src/index.js'

/** One database for the suite of the adapter. */
export interface AdapterHarness {
  readonly type: ManagedType
  /** Starts what the tests need. */
  start(): Promise<void>
  stop(): Promise<void>
  /** An empty database; what was in the one before is gone. */
  empty(): Promise<void>
  /** What the options of a DataSource say of the database. */
  dataSourceOptions(): object
  /** A manager of that database which exists beside any DataSource. */
  createManager(): SharedManager
  /** How the options of a manager bound its connections to two. */
  readonly twoConnections: object
  /** Options of every manager that the tests do not make by themselves. */
  readonly managerOptions?: object
  /** False if TypeORM has no streams for the database. */
  readonly streams: boolean
  /** Fails as another transaction would have it fail, so that the same one may succeed when it is run again. */
  conflict(entities: EntityManager): Promise<unknown>
}

/** What the suite uses of a manager, whichever database it is of. */
interface SharedManager {
  readonly closed: boolean
  close(): Promise<void>
}
