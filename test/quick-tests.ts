// What `npm test -- --quick` runs: all of core, with fewer histories of each property, and what each package does first
// of all on a real server.

/** Patterns as in the configuration of jest, from the root of the repository. */
export const QUICK_FILES = [
  'packages/core/src/**/*.test.ts',
  'packages/testing/src/{fake,conformance,proxy}/*.test.ts',
  'packages/pg/src/connection-manager.test.ts',
  'packages/pg/src/endpoint-config.test.ts',
  'packages/pg/src/managed-pool.test.ts',
  'packages/mysql/src/config/*.test.ts',
  'packages/mysql/src/driver.test.ts',
  'packages/sqlite/src/driver.test.ts',
  'packages/duckdb/src/conformance.test.ts',
  'packages/typeorm/src/postgres/with-connection-manager.test.ts',
  'packages/prisma/src/with-connection-manager.test.ts',
  'packages/drizzle/src/with-connection-manager.test.ts',
  'packages/sequelize/src/postgres.test.ts',
  'packages/winston/src/*.test.ts',
  'packages/metrics/src/*.test.ts',
  'packages/otel/src/instrument.test.ts',
  'packages/prometheus/src/connmgr-metrics.test.ts',
  'packages/insights/src/sketch/*.test.ts',
  'packages/insights/src/alerts/*.test.ts',
  'packages/dashboard/src/dashboard.test.ts',
  'packages/health/src/{body,health-handlers,http,options}.test.ts',
  'packages/nestjs/src/connmgr-module.test.ts',
  'packages/cli/src/targets.test.ts',
]

/** Histories of each property. */
export const QUICK_RUNS = '50'
