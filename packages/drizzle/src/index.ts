export { once } from '@connmgr/core'
export type {
  DatabaseConfig,
  DrizzleSchema,
  Managed,
  ManagedDatabase,
  ManagedReplicatedDatabase,
  NoSchema,
} from './drizzle-types.js'
export { type ReplayableDatabase, replayTransaction } from './replay-transaction.js'
export { withConnectionManager } from './with-connection-manager.js'
