// Faults of a real highly available cluster: Patroni, etcd, HAProxy and PgBouncer from Debian packages, which it
// installs if it may; see proof/chaos/patroni. `--json` prints one JSON object on stdout, and nothing else there.
import { readArguments } from './arguments.mjs'
import { exitLike, run } from './run.mjs'

const NAMES = /^[a-z-]+(,[a-z-]+)*$/

const options = readArguments(
  {
    rounds: {
      check: (value) => /^\d{1,4}$/.test(value) && Number(value) > 0,
      wants: 'a number of rounds, such as 10',
    },
    only: {
      check: (value) => NAMES.test(value),
      wants: 'names of faults separated by commas, such as kill,switchover',
    },
    routes: {
      check: (value) => NAMES.test(value),
      wants: 'names of routes separated by commas, such as direct,haproxy',
    },
    synchronous: { type: 'boolean' },
    quick: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  'npm run chaos:patroni -- --rounds 3 --only kill,switchover --routes direct,haproxy --json',
)

try {
  await run(process.execPath, ['scripts/build.mjs'], { quiet: true })
  const args = Object.entries(options).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, value],
  )
  await run(process.execPath, ['--import', 'tsx', 'proof/chaos/patroni/main.ts', ...args])
} catch (error) {
  exitLike(error)
}
