export { once } from '@connmgr/core'
export {
  ConnectionManagerAdapter,
  connectionManagerAdapter,
  type PrismaPgOptions,
} from './adapter.js'
export type { Managed, PrismaClientClass, PrismaClientLike } from './client-types.js'
export { type ReplayableClient, replayTransaction } from './replay-transaction.js'
export { withConnectionManager } from './with-connection-manager.js'
