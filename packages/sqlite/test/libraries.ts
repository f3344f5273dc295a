import type { SqliteLibrary } from '@connmgr/sqlite'
import { isInstalled, LIBRARIES } from '../src/bindings/load.js'

/** The libraries that can be tested here. A library that is missing is named, as its tests do not run. */
export const INSTALLED: readonly SqliteLibrary[] = LIBRARIES.filter((library) => {
  const installed = isInstalled(library)
  if (!installed)
    process.stderr.write(
      `SKIPPED: the tests of @connmgr/sqlite over ${library}, which is not installed here\n`,
    )
  return installed
})
