const Sequencer = require('@jest/test-sequencer').default
const { expectedMs, setPlan } = require('./test-plan.cjs')

/** Starts the files that take longest first, so that in the end no worker is alone with one of them. */
module.exports = class LongestFirstSequencer extends Sequencer {
  sort(tests) {
    setPlan(tests.map(({ path }) => path))
    return [...tests].sort((a, b) => expectedMs(b.path) - expectedMs(a.path))
  }
}
