export { once } from '@connmgr/core'
export type { SequelizeConnections } from './bindings.js'
export { replayTransaction } from './replay-transaction.js'
export {
  getConnections,
  type SequelizeManagerOptions,
  withConnectionManager,
} from './with-connection-manager.js'
