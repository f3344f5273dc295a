// How long the files of tests take, as measured on a quiet machine with two cores, and which of them a run consists of.
const { readFileSync, writeFileSync } = require('node:fs')
const { join, relative, sep } = require('node:path')

const ROOT = join(__dirname, '..')
const FILE = join(__dirname, 'test-durations.json')
/** Supposed of a file that has not been measured yet. */
const UNKNOWN_MS = 3000
/** The most that a file has done of its work while it is running. */
const NEARLY = 0.9

const durations = JSON.parse(readFileSync(FILE, 'utf8'))
/** Milliseconds by path, of the files of this run; filled by the sequencer, read by the reporter. */
const plan = new Map()

function expectedMs(path) {
  return durations[nameOf(path)] ?? UNKNOWN_MS
}

/** The whole suite, on so many workers of a quiet machine. */
function wholeMs(workers) {
  return Object.values(durations).reduce((sum, ms) => sum + ms, 0) / workers
}

function setPlan(paths) {
  plan.clear()
  for (const path of paths) plan.set(path, expectedMs(path))
}

/** Of all that is to run, the share that has been done, from 0 to 1. `running` has when each file was started. */
function shareOf(finished, running) {
  const sum = (values) => [...values].reduce((total, ms) => total + ms, 0)
  const begun = [...running].map(([path, startedAt]) =>
    Math.min(performance.now() - startedAt, NEARLY * (plan.get(path) ?? 0)),
  )
  const done = sum([...finished].map((path) => plan.get(path) ?? 0)) + sum(begun)
  return plan.size === 0 ? 0 : done / sum(plan.values())
}

/** Files that are gone are forgotten if the whole suite has run. */
function record(measured) {
  const sorted = [...measured].map(([path, ms]) => [nameOf(path), Math.ceil(ms / 100) * 100])
  sorted.sort(([a], [b]) => (a < b ? -1 : 1))
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`)
}

function nameOf(path) {
  return relative(ROOT, path).split(sep).join('/')
}

module.exports = { expectedMs, record, setPlan, shareOf, wholeMs }
