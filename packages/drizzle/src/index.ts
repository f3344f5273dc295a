export { once } from '@connmgr/core'
export type { DrizzleSchema, NoSchema } from './drizzle-types.js'
export type {
  DatabaseConfig,
  Managed,
  ManagedDatabase,
  ManagedReplicatedDatabase,
} from './pg-types.js'
export { type ReplayableDatabase, replayTransaction } from './replay-transaction.js'
export { withConnectionManager } from './with-connection-manager.js'
