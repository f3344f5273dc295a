import { BAD_CALLERS } from './bad-callers.js'
import { GOOD_CALLERS } from './good-callers.js'
import { IMPATIENT_CALLERS } from './impatient-callers.js'
import type { Operation } from './operation.js'

/** Everything that callers do. */
export const OPERATIONS: readonly Operation[] = [
  ...GOOD_CALLERS,
  ...IMPATIENT_CALLERS,
  ...BAD_CALLERS,
]
