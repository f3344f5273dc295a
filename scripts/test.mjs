// The tests: makes what they need, runs jest, shows how far it is, and ends with a line that counts them.
//
//   npm test                        everything
//   npm test -- --quick             all of core, and of every package the basics on a real server
//   npm test -- --record-durations  everything, and notes what each file took in test-durations.json
//
// All other arguments go to jest: npm test -- packages/core -t 'a pool'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { exitLike, ROOT, run, runBin } from './run.mjs'
import { span } from './span.cjs'
import { wholeMs } from './test-plan.cjs'

const OWN_FLAGS = ['--quick', '--record-durations']
/** As in jest.config.ts. */
const WORKERS = 2

const given = process.argv.slice(2)
const quick = given.includes('--quick')
const forJest = given.filter((argument) => !OWN_FLAGS.includes(argument))
const startedAt = performance.now()
await refuseUnknown(forJest).catch(exitLike)
announce()

const folder = mkdtempSync(join(tmpdir(), 'connmgr-tests-'))
const counts = join(folder, 'counts.txt')
let failure
try {
  // For the tests that run programs as processes of their own, which see the packages as users do.
  await run(process.execPath, ['scripts/build.mjs'], { quiet: true })
  await run(process.execPath, ['scripts/prisma-generate.mjs', 'packages'], { quiet: true })
  await runBin('jest', [...forJest, ...reporters()], { env: environment() })
} catch (error) {
  failure = error
}
const line = read(counts)
rmSync(folder, { recursive: true, force: true })
if (line !== undefined) console.log(`\n${line} in ${span(performance.now() - startedAt)}`)
if (failure !== undefined) exitLike(failure)

/** Says in the first second what is going to happen, and how long it takes. */
function announce() {
  if (quick) console.log('The quick tests: about a minute.')
  else if (forJest.length === 0) {
    const whole = span(wholeMs(WORKERS))
    console.log(
      `All tests: about ${whole} on a quiet machine with two cores. Quicker: npm test -- --quick`,
    )
  }
  const busy = loadavg()[0] / availableParallelism()
  if (busy > 1)
    console.log(
      `This machine is busy (load ${loadavg()[0].toFixed(1)}), so it takes longer; deadlines allow for it.`,
    )
  console.log('Building the packages…')
}

/** jest says which argument it does not know, before anything that takes time. */
async function refuseUnknown(args) {
  if (!args.some((argument) => argument.startsWith('-'))) return
  try {
    await runBin('jest', ['--showConfig', ...args], { quiet: true })
  } catch (error) {
    const [, ...answer] = error.message.split('\n')
    console.error(answer.join('\n').trim())
    console.error(
      `\nOf npm test itself are ${OWN_FLAGS.join(' and ')}; all other arguments go to jest.`,
    )
    console.error("For example: npm test -- packages/core -t 'a pool'")
    process.exit(1)
  }
}

/** They come last: jest would take file patterns after them for reporters. */
function reporters() {
  const own = join(ROOT, 'scripts', 'progress-reporter.cjs')
  // What one asks jest to tell about each test is not ours to leave out.
  const names = forJest.includes('--verbose') ? ['default', own] : [own, 'summary']
  return names.map((each) => `--reporters=${each}`)
}

function environment() {
  return {
    CONNMGR_TEST_COUNTS: counts,
    CONNMGR_TEST_TEMPLATES: process.env.CONNMGR_TEST_TEMPLATES ?? folder,
    ...(quick && { CONNMGR_TEST_QUICK: '1' }),
    ...(given.includes('--record-durations') && { CONNMGR_TEST_RECORD: '1' }),
  }
}

/** Nothing if jest ended before it could count. */
function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}
