export type { DashboardAction, DashboardPurpose } from './actions/action.js'
export { type Dashboard, dashboard } from './dashboard.js'
export type {
  DashboardDecision,
  DashboardManagers,
  DashboardOptions,
  DashboardRequest,
} from './options.js'
export type {
  DashboardView,
  EndpointView,
  HealthView,
  HolderView,
  InsightsView,
  ManagerView,
  RecommendationView,
  TimelineEntry,
  Verdict,
} from './view.js'
