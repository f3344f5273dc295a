import type { ErrorReader } from '@connmgr/core/driver'

/** TypeORM's `QueryFailedError` has the driver's error beside its own. */
export const TYPEORM_ERRORS: ErrorReader = {
  wrappedBy: ({ driverError }) => [driverError],
}
