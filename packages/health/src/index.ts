export {
  type FastifyHealthOptions,
  type FastifyLike,
  fastifyHealth,
  type HealthPaths,
} from './fastify-health.js'
export { type HealthHandlers, healthHandlers } from './health-handlers.js'
export type { HealthAnswer, HealthHandler } from './http/handler.js'
export type { HealthRequest, NodeRequest, NodeResponse } from './http/request.js'
export type {
  Details,
  HealthManager,
  HealthOptions,
  Managers,
  WatchedManager,
} from './options.js'
export type {
  Finding,
  FindingCode,
  HealthOutcome,
  HealthReport,
  ManagerReport,
} from './watch/report.js'
