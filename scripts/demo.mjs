// The demo: builds what it needs and runs it. `--json` prints one JSON object on stdout, and nothing else there;
// `--ui` shows the story live in a browser, and with `--json` has a browser without a window watch it
// (`--picture FILE` keeps what it saw at the end: `npm run demo -- --ui --json --picture docs/dashboard.png`).
import { parseArgs } from 'node:util'
import { exitLike, run } from './run.mjs'

const UPDATE_EVERY_MS = 2000

const ON_MYSQL = {
  about: 'Two servers, three ORMs, a leak through each, a crash',
  schemas: ['proof/demo/schema.prisma', 'proof/demo/mariadb/schema.prisma'],
}

/** By database: what there is to see, and the schemas of Prisma that it takes. */
const STORIES = {
  postgresql: {
    about: 'Two servers, three ORMs, a leak through each, a crash',
    schemas: ['proof/demo/schema.prisma'],
  },
  mysql: ON_MYSQL,
  mariadb: ON_MYSQL,
  sqlite: {
    about: 'One file, three ORMs, a leak through each, another process that takes the lock',
    schemas: ['proof/demo/schema.prisma', 'proof/demo/sqlite/schema.prisma'],
  },
}

const given = process.argv.slice(2)
const { db, json } = read(given)
const { about, schemas } = STORIES[db]
const screen = json ? process.stderr : process.stdout
screen.write(`${about}: about 20 seconds, nothing to set up.\n`)
try {
  await saying('building the packages', () =>
    run(process.execPath, ['scripts/build.mjs'], { quiet: true }),
  )
  for (const schema of schemas)
    await saying("generating Prisma's client", () =>
      run(process.execPath, ['scripts/prisma-generate.mjs', schema], { quiet: true }),
    )
  await run(process.execPath, ['--import', 'tsx', 'proof/demo/src/main.ts', ...given])
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

function read(args) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        db: { type: 'string', default: 'postgresql' },
        json: { type: 'boolean', default: false },
        ui: { type: 'boolean', default: false },
        picture: { type: 'string' },
      },
    })
    if (values.db in STORIES) return values
    refuse(`--db must be one of ${Object.keys(STORIES).join(', ')}, but it is ${values.db}`)
  } catch (error) {
    refuse(`the demo does not know ${args.join(' ')}: ${error.message}`)
  }
}

function refuse(why) {
  console.error(`${why}\nFor example: npm run demo, or npm run demo -- --json`)
  process.exit(1)
}
