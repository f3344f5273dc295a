import type { SqliteLibrary } from '@connmgr/sqlite'
import { isInstalled, LIBRARIES } from '../src/bindings/load.js'

forgetForeignErrors()

/** The libraries that can be tested here. A library that is missing is named, as its tests do not run. */
export const INSTALLED: readonly SqliteLibrary[] = LIBRARIES.filter((library) => {
  const installed = isInstalled(library)
  if (!installed)
    process.stderr.write(
      `SKIPPED: the tests of @connmgr/sqlite over ${library}, which is not installed here\n`,
    )
  return installed
})

/**
 * The add-on of better-sqlite3 keeps the error class of its first loader, in the process. Of a test file that ran
 * before in this worker it is the class of another realm, whose instances are no errors to this one.
 */
function forgetForeignErrors(): void {
  try {
    const addon = require('better-sqlite3/build/Release/better_sqlite3.node') as {
      isInitialized?: boolean
    }
    addon.isInitialized = false
  } catch {
    // It is not installed.
  }
}
