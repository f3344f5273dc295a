// The chaos runner: real faults on real servers; see chaos/src. `--json` prints one JSON object on stdout, and nothing
// else there.
import { readArguments } from './arguments.mjs'
import { exitLike, run } from './run.mjs'

const ORMS = ['pg', 'typeorm', 'prisma', 'drizzle']

const options = readArguments(
  {
    only: {
      check: (value) => /^\d+(,\d+)*$/.test(value),
      wants: 'numbers of scenarios separated by commas, such as 1,10',
    },
    repeat: {
      check: (value) => /^\d{1,4}$/.test(value) && Number(value) > 0,
      wants: 'a number of rounds, such as 30',
    },
    orm: { check: (value) => ORMS.includes(value), wants: `one of ${ORMS.join(', ')}` },
    quick: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  'npm run chaos -- --only 1,10 --repeat 30 --orm pg --json',
)

try {
  await run(process.execPath, ['scripts/build.mjs'], { quiet: true })
  await run(process.execPath, ['scripts/prisma-generate.mjs', 'demo/schema.prisma'], {
    quiet: true,
  })
  const args = Object.entries(options).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, value],
  )
  await run(process.execPath, ['--import', 'tsx', 'chaos/src/main.ts', ...args])
} catch (error) {
  exitLike(error)
}
