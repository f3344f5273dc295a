const { writeFileSync } = require('node:fs')
const { relative } = require('node:path')
const { record, shareOf } = require('./test-plan.cjs')
const { span } = require('./span.cjs')

/** Between two lines where there is no terminal, whose line would be replaced by the next one. */
const LINE_EVERY_MS = 10_000
const UPDATE_EVERY_MS = 1000
/** Of what has to be done, before the pace so far says how long the rest takes. */
const ENOUGH = 0.1
/** With so few files to go, those that are running are named: one of them may hang. */
const FEW = 2

/**
 * Shows how far the tests are, what failed as soon as it has, and leaves to scripts/test.mjs the counts with which it
 * ends. It does not print those itself, because jest's own summary comes after all reporters.
 */
module.exports = class ProgressReporter {
  #startedAt = performance.now()
  #live = process.stderr.isTTY === true && process.env.CI === undefined
  #files = { done: 0, total: 0 }
  #tests = { passed: 0, failed: 0 }
  #measured = new Map()
  #running = new Map()
  #timer
  #shownAt = this.#startedAt

  onRunStart({ numTotalTestSuites }) {
    this.#files.total = numTotalTestSuites
    this.#timer = setInterval(() => this.#show(), UPDATE_EVERY_MS)
    this.#timer.unref()
  }

  onTestFileStart({ path }) {
    this.#running.set(path, performance.now())
  }

  onTestFileResult({ path }, result) {
    this.#running.delete(path)
    this.#files.done += 1
    this.#tests.passed += result.numPassingTests
    this.#tests.failed += result.numFailingTests + (result.testExecError === undefined ? 0 : 1)
    this.#measured.set(path, result.perfStats.runtime)
    for (const { type, message, origin } of result.console ?? []) {
      this.#print(`console.${type} ${message}\n${origin}`)
    }
    if (result.failureMessage) this.#print(`FAIL ${path}\n${result.failureMessage}`)
    this.#show()
  }

  onRunComplete(_contexts, results) {
    clearInterval(this.#timer)
    this.#clear()
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites
    if (process.env.CONNMGR_TEST_RECORD !== undefined) record(this.#measured)
    if (process.env.CONNMGR_TEST_COUNTS === undefined) return
    writeFileSync(
      process.env.CONNMGR_TEST_COUNTS,
      `${results.numPassedTests} passed, ${failed} failed`,
    )
  }

  #show() {
    const now = performance.now()
    if (!this.#live && now - this.#shownAt < LINE_EVERY_MS) return
    this.#shownAt = now
    const line = this.#line(now - this.#startedAt)
    process.stderr.write(this.#live ? `\r\u001b[2K${line}` : `${line}\n`)
  }

  #line(elapsedMs) {
    const { passed, failed } = this.#tests
    const share = shareOf(this.#measured.keys(), this.#running)
    const rest = share < ENOUGH ? '' : `, about ${span((elapsedMs * (1 - share)) / share)} to go`
    const { done, total } = this.#files
    const running = total - done > FEW ? [] : [...this.#running.keys()]
    const last =
      running.length === 0 ? '' : `: ${running.map((each) => relative('', each)).join(', ')}`
    return (
      `${done} of ${total} files, ${passed} tests passed, ${failed} failed, ` +
      `${span(elapsedMs)}${rest}${last}`
    )
  }

  #print(text) {
    this.#clear()
    process.stderr.write(`${text}\n`)
  }

  #clear() {
    if (this.#live) process.stderr.write('\r\u001b[2K')
  }
}
