import { findPgBouncer, PGBOUNCER_INSTALL_COMMAND, type PgBouncerProgram } from './pgbouncer.js'

const TRACKING = 'PgBouncer 1.21 or later, which keeps track of prepared statements,'

/**
 * A `describe` for tests that start PgBouncer. Where it is not installed, or too old, its tests are skipped, which their
 * names and a line on stderr say; with `CONNMGR_REQUIRE_PGBOUNCER=1` that is an error.
 *
 * @param needs 'tracking' for a version that keeps track of prepared statements
 */
export function describePgBouncer(
  name: string,
  tests: () => void,
  needs: 'any' | 'tracking' = 'any',
): void {
  const missing = missingFor(needs, findPgBouncer())
  if (missing === undefined) {
    describe(name, tests)
    return
  }
  if (process.env.CONNMGR_REQUIRE_PGBOUNCER === '1')
    throw new Error(`${missing} is not installed, and its tests must not be skipped here`)
  process.stderr.write(
    `\nSKIPPED: tests that need ${missing} in ${expect.getState().testPath}\n` +
      `         To run them, have it fetched (npm run labs), install it (${PGBOUNCER_INSTALL_COMMAND}) or name it in PGBOUNCER\n\n`,
  )
  const skip = describe.skip
  skip(`${name} (SKIPPED: ${missing} is not installed)`, tests)
}

function missingFor(
  needs: 'any' | 'tracking',
  found: PgBouncerProgram | undefined,
): string | undefined {
  if (needs === 'tracking') return found?.tracksStatements === true ? undefined : TRACKING
  return found === undefined ? 'PgBouncer' : undefined
}
