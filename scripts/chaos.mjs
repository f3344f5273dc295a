// The chaos runner: real faults on real servers of the database that `--db` names; see proof/chaos/src. With `--peers`,
// the same faults to other clients too; see proof/chaos/src/peers. `--json` prints one JSON object on stdout, and
// nothing else there.
import { readArguments } from './arguments.mjs'
import { exitLike, run } from './run.mjs'

const DATABASES = ['postgresql', 'mariadb', 'mysql']
/** Of the comparison with other clients. */
const PEER_DATABASES = ['postgresql', 'mariadb']
const ORMS = ['pg', 'typeorm', 'prisma', 'drizzle', 'mysql2']

const numbers = (what, example) => ({
  check: (value) => /^\d{1,4}$/.test(value) && Number(value) > 0,
  wants: `a number of ${what}, such as ${example}`,
})
const names = (what, example) => ({
  check: (value) => /^[\w-]+(,[\w-]+)*$/.test(value),
  wants: `names of ${what} separated by commas, such as ${example}`,
})
const oneOf = (values) => ({
  check: (value) => values.includes(value),
  wants: `one of ${values.join(', ')}`,
})
const BOTH = {
  quick: { type: 'boolean' },
  json: { type: 'boolean' },
}

const options = process.argv.includes('--peers')
  ? readArguments(
      {
        peers: { type: 'boolean' },
        rounds: numbers('rounds', 3),
        client: names('clients', 'connmgr,pg-tuned'),
        fault: names('faults', 'A,F'),
        parallel: numbers('clients at a time', 2),
        db: oneOf(PEER_DATABASES),
        ...BOTH,
      },
      'npm run chaos -- --peers --rounds 3 --client connmgr,pg-tuned --fault A,F --json',
    )
  : readArguments(
      {
        only: {
          check: (value) => /^(\d+|[a-z]+)(,(\d+|[a-z]+))*$/.test(value),
          wants: 'numbers or groups of scenarios separated by commas, such as 1,10 or wan',
        },
        repeat: numbers('rounds', 30),
        orm: oneOf(ORMS),
        db: oneOf(DATABASES),
        ...BOTH,
      },
      'npm run chaos -- --db mariadb --only 1,10 --repeat 30 --json',
    )
const program = options.peers ? 'proof/chaos/src/peers/main.ts' : 'proof/chaos/src/main.ts'

try {
  await run(process.execPath, ['scripts/build.mjs'], { quiet: true })
  await run(process.execPath, ['scripts/prisma-generate.mjs', 'proof/demo/schema.prisma'], {
    quiet: true,
  })
  const args = Object.entries(options).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, value],
  )
  await run(process.execPath, ['--import', 'tsx', program, ...args])
} catch (error) {
  exitLike(error)
}
