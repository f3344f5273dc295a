export {
  type Managed,
  type ManagedDatabase,
  type ManagedReplicatedDatabase,
  withConnectionManager,
} from './with-connection-manager.js'
