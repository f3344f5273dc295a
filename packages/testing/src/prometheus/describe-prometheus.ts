import { canInstallPackages } from '../debian/install-programs.js'
import { findPrometheus, PROMETHEUS_INSTALL_COMMAND } from './prometheus.js'

const REQUIRED = 'CONNMGR_REQUIRE_PROMETHEUS'

/**
 * A `describe` for tests that start Prometheus. Where it is not installed its tests are skipped, which their names and a
 * line on stderr say.
 *
 * It throws instead if Prometheus is missing where it must not be: with `CONNMGR_REQUIRE_PROMETHEUS=1`, and with `CI=true`
 * where `npm run labs` could have installed it.
 */
export function describePrometheus(name: string, tests: () => void): void {
  if (findPrometheus() !== undefined) {
    describe(name, tests)
    return
  }
  if (mustBeThere()) {
    throw new Error(
      `Prometheus is not installed, and its tests must not be skipped here. Install it with: ${PROMETHEUS_INSTALL_COMMAND}`,
    )
  }
  process.stderr.write(
    `\nSKIPPED: tests that need Prometheus, in ${expect.getState().testPath}\n` +
      `         To run them, install it with: ${PROMETHEUS_INSTALL_COMMAND}\n\n`,
  )
  const skip = describe.skip
  skip(`${name} (SKIPPED: Prometheus is not installed)`, tests)
}

function mustBeThere(): boolean {
  if (process.env[REQUIRED] === '1') return true
  return process.env.CI === 'true' && canInstallPackages() && process.env[REQUIRED] !== '0'
}
