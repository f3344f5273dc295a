import { canInstallPackages } from '../debian/install-programs.js'
import { ALERTMANAGER_INSTALL_COMMAND, findAlertmanager } from './alertmanager.js'

const REQUIRED = 'CONNMGR_REQUIRE_ALERTMANAGER'

/**
 * A `describe` for tests that start Alertmanager. Where it is not installed its tests are skipped, which their names and a
 * line on stderr say.
 *
 * It throws instead if Alertmanager is missing where it must not be: with `CONNMGR_REQUIRE_ALERTMANAGER=1`, and with
 * `CI=true` where `npm run labs` could have installed it.
 */
export function describeAlertmanager(name: string, tests: () => void): void {
  if (findAlertmanager() !== undefined) {
    describe(name, tests)
    return
  }
  if (mustHaveAlertmanager()) {
    throw new Error(
      `Alertmanager is not installed, and its tests must not be skipped here. Install it with: ${ALERTMANAGER_INSTALL_COMMAND}`,
    )
  }
  process.stderr.write(
    `\nSKIPPED: tests that need Alertmanager, in ${expect.getState().testPath}\n` +
      `         To run them, install it with: ${ALERTMANAGER_INSTALL_COMMAND}\n\n`,
  )
  const skip = describe.skip
  skip(`${name} (SKIPPED: Alertmanager is not installed)`, tests)
}

function mustHaveAlertmanager(): boolean {
  if (process.env[REQUIRED] === '1') return true
  return process.env.CI === 'true' && canInstallPackages() && process.env[REQUIRED] !== '0'
}
