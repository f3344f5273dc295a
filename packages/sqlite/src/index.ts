export type {
  RowFormat,
  RunResult,
  SqliteColumn,
  SqliteLibrary,
  SqliteParameter,
  SqliteParameters,
  SqliteValue,
} from './bindings/binding.js'
export { classify } from './classify.js'
export { SqliteConnection, SqliteStatement } from './connection.js'
export { SqliteDriver, type SqliteDriverOptions } from './driver.js'
export type { JournalMode, SqliteEndpointConfig, Synchronous } from './endpoint.js'
export { DatabaseBusyError, DatabaseOpenError } from './errors.js'
