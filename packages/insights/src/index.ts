export { Insights, insights } from './insights.js'
export {
  type ExpectNoNPlusOneOptions,
  expectNoNPlusOne,
  NPlusOneError,
} from './n-plus-one/expect-no-n-plus-one.js'
export type { InsightsOptions, NPlusOneOptions } from './options.js'
export type { ReportFormat } from './report/report.js'

export type * from './snapshot.js'
