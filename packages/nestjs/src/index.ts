export { ConnmgrModule } from './connmgr-module.js'
export {
  ConnmgrHealthIndicator,
  type ConnmgrHealthResult,
  type HealthCheckOptions,
} from './health-indicator.js'
export type {
  ConnmgrModuleAsyncOptions,
  ConnmgrModuleOptions,
  ConnmgrOptionsFactory,
  ManagerOptions,
  ManagerSettings,
  NestManager,
} from './options.js'
export { getConnectionManagerToken, InjectConnectionManager } from './tokens.js'
