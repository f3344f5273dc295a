// `@connmgr/cli/server`: what an application opts into, so that the command line can look into it.
export type { GivenInsights, InspectedManagers } from './server/given.js'
export {
  type Inspection,
  type InspectionOptions,
  serveInspection,
} from './server/serve-inspection.js'
export type { InspectedInsights, InspectedManager } from './snapshot/inspected.js'
export type * from './snapshot/snapshot.js'
