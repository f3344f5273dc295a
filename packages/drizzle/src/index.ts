export { type ReplayableDatabase, replayTransaction } from './replay-transaction.js'
export {
  type Managed,
  type ManagedDatabase,
  type ManagedReplicatedDatabase,
  withConnectionManager,
} from './with-connection-manager.js'
