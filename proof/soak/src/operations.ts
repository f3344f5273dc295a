import { BAD_CALLERS } from './bad-callers.js'
import { GOOD_CALLERS } from './good-callers.js'
import { IMPATIENT_CALLERS } from './impatient-callers.js'
import type { Operation } from './operation.js'
import { POOL_CALLERS } from './pool-callers.js'

/** Everything that callers do. */
export const OPERATIONS: readonly Operation[] = [
  ...GOOD_CALLERS,
  ...POOL_CALLERS,
  ...IMPATIENT_CALLERS,
  ...BAD_CALLERS,
]
