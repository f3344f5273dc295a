import { canInstallPackages } from '../debian/install-programs.js'
import { findMariadb, MARIADB_INSTALL_COMMAND } from './binaries.js'

const REQUIRED = 'CONNMGR_REQUIRE_MARIADB'

let warned = false

/**
 * A `describe` for tests that start MariaDB. Where MariaDB is not installed its tests are skipped, which their names
 * and a line on stderr say.
 *
 * It throws instead if MariaDB is missing where it must not be: with `CONNMGR_REQUIRE_MARIADB=1`, and with `CI=true` where
 * `npm run labs` could have installed it.
 */
export function describeMariadb(name: string, tests: () => void): void {
  if (findMariadb() !== undefined) {
    describe(name, tests)
    return
  }
  if (mustHaveMariadb()) {
    throw new Error(
      `MariaDB is not installed, and its tests must not be skipped here. Install it with: ${MARIADB_INSTALL_COMMAND}`,
    )
  }
  if (!warned) {
    warned = true
    process.stderr.write(
      `\nSKIPPED: tests that need MariaDB, in ${expect.getState().testPath}\n` +
        `         To run them, install it with: ${MARIADB_INSTALL_COMMAND}\n\n`,
    )
  }
  const skip = describe.skip
  skip(`${name} (SKIPPED: MariaDB is not installed)`, tests)
}

function mustHaveMariadb(): boolean {
  if (process.env[REQUIRED] === '1') return true
  return process.env.CI === 'true' && canInstallPackages() && process.env[REQUIRED] !== '0'
}
