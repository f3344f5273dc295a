export type { QueryRows } from './server-facts/query-rows.js'
export {
  type IndexFault,
  readSchemaFacts,
  type ScannedTable,
  type SchemaFacts,
  type UnindexedForeignKey,
} from './server-facts/schema-facts.js'
export {
  type ExtensionState,
  readServerFacts,
  type ServerFacts,
  type ServerFactsOptions,
  type ServerTimeouts,
} from './server-facts/server-facts.js'
