// The demo: builds what it needs and runs it. `--json` prints one JSON object on stdout, and nothing else there.
import { exitLike, run } from './run.mjs'

const UPDATE_EVERY_MS = 2000

const given = process.argv.slice(2)
refuseUnknown(given.filter((argument) => argument !== '--json'))
const screen = given.includes('--json') ? process.stderr : process.stdout
screen.write(
  'Two servers, three ORMs, a leak through each, a crash: about 20 seconds, nothing to set up.\n',
)
try {
  await saying('building the packages', () =>
    run(process.execPath, ['scripts/build.mjs'], { quiet: true }),
  )
  await saying("generating Prisma's client", () =>
    run(process.execPath, ['scripts/prisma-generate.mjs', 'demo/schema.prisma'], { quiet: true }),
  )
  await run(process.execPath, ['--import', 'tsx', 'demo/src/main.ts', ...given])
} catch (error) {
  exitLike(error)
}

/** Says that something is being done, and goes on saying so if it takes long. */
async function saying(what, action) {
  const startedAt = performance.now()
  const seconds = () => ((performance.now() - startedAt) / 1000).toFixed(0)
  screen.write(`${what}…\n`)
  const timer = setInterval(() => screen.write(`${what}… ${seconds()} s\n`), UPDATE_EVERY_MS)
  try {
    await action()
  } finally {
    clearInterval(timer)
  }
}

function refuseUnknown(arguments_) {
  if (arguments_.length === 0) return
  console.error(
    `the demo does not know ${arguments_.join(' ')}\nFor example: npm run demo, or npm run demo -- --json`,
  )
  process.exit(1)
}
