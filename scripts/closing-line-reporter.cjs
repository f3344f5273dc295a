const { writeFileSync } = require('node:fs')

/**
 * Leaves the line with which scripts/test.mjs ends, for readers that are programs. It does not print it itself, because
 * jest's own summary comes after all reporters.
 */
module.exports = class ClosingLineReporter {
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites
    writeFileSync(
      process.env.CONNMGR_TEST_COUNTS,
      `${results.numPassedTests} passed, ${failed} failed`,
    )
  }
}
