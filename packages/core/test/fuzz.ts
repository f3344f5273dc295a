// The program behind `npm run fuzz`, which has checked the arguments.
import { parseArgs } from 'node:util'
import fc from 'fast-check'

type Property = fc.IAsyncPropertyWithHooks<unknown[]>

/** What is held against random histories, and what is to be stopped after them. */
interface Search {
  readonly property: unknown
  readonly stop?: () => Promise<void>
}

/** Each with all that it needs, which is not loaded for another. */
const SEARCHES: Record<string, () => Promise<Search>> = {
  pool: async () => ({ property: (await import('./pool-steps.js')).poolProperty }),
  failover: async () => ({ property: (await import('./cluster-steps.js')).clusterProperty }),
  outcomes: async () => ({
    property: (await import('../../pg/test/outcome-property.js')).outcomeProperty,
  }),
  'real-outcomes': async () => {
    const { RealServer } = await import('../../pg/test/real-world.js')
    const { realOutcomeProperty } = await import('../../pg/test/real-outcome-property.js')
    const server = await RealServer.start()
    return { property: realOutcomeProperty(server), stop: () => server.stop() }
  },
  statements: async () => {
    const { LockstepServer } = await import('../../pg/test/lockstep.js')
    const { statementsProperty } = await import('../../pg/test/statements-property.js')
    const server = await LockstepServer.start()
    return { property: statementsProperty(server), stop: () => server.stop() }
  },
}
const SHOW_EVERY_MS = 5000

const { values } = parseArgs({
  options: {
    of: { type: 'string' },
    runs: { type: 'string' },
    seed: { type: 'string' },
    path: { type: 'string' },
  },
})
const { of = 'pool' } = values
const seed = Number(values.seed)
const numRuns = Number(values.runs)
const firstRun = Number(values.path ?? 0)
const startedAt = performance.now()
let shownAt = startedAt
let begun = 0

async function main(): Promise<void> {
  const search = await (SEARCHES[of] as () => Promise<Search>)()
  const property = search.property as Property
  // A timer would not do: histories on a fake clock follow each other without a pause.
  property.beforeEach(() => {
    begun += 1
    const now = performance.now()
    if (now - shownAt < SHOW_EVERY_MS) return
    shownAt = now
    // More than were asked for are run only to shrink a failure.
    const doing = begun > numRuns ? `shrinking a failure, ${begun}` : `${begun} of ${numRuns}`
    process.stderr.write(`${doing} histories, ${seconds()} s\n`)
  })

  const onNothingLeft = (): void => {
    // A history that waits for what never comes leaves the process nothing to do, and it would seem to end well.
    console.log(
      `A history hangs: a promise of the ${of} never settles.\nReplay it: ${replay(String(firstRun + begun - 1))}`,
    )
    process.exitCode = 1
  }
  process.once('beforeExit', onNothingLeft)

  const result = await fc.check(property, {
    numRuns,
    seed,
    path: values.path,
    // When things happen to a real server is not to be repeated, so that nothing can be made smaller.
    endOnFailure: of === 'real-outcomes' || of === 'statements',
  })
  process.off('beforeExit', onNothingLeft)
  const what = numRuns === 1 ? 'history' : 'histories'
  console.log(
    result.failed
      ? describe(result)
      : `${numRuns} ${what} kept the invariants (seed ${seed}, ${seconds()} s)`,
  )
  process.exitCode = result.failed ? 1 : 0
  await search.stop?.()
}

function describe({
  counterexample,
  counterexamplePath,
  errorInstance,
  numShrinks,
}: fc.RunDetails<unknown[]>): string {
  const error = errorInstance instanceof Error ? errorInstance.stack : String(errorInstance)
  const [options, ...rest] = counterexample ?? []
  const commands = rest.pop()
  const [scheduler] = rest
  const [run = ''] = (counterexamplePath ?? '').split(':')
  return [
    `A history broke the invariants (seed ${seed}, path ${run}, shrunk ${numShrinks} times, ${seconds()} s).`,
    '',
    `Violated: ${error}`,
    '',
    `Options: ${fc.stringify(options)}`,
    // Its last part is a comment of fast-check for replaying shrunk commands, which a replay here does again itself.
    `Steps: ${stepsOf(commands).replace(/ ?\/\*replayPath.*?\*\//, '')}`,
    ...(scheduler === undefined
      ? []
      : ['Order in which calls settled:', ...(String(scheduler).match(/^->.*(?<!`)/gm) ?? [])]),
    '',
    `Replay it: ${replay(run)}`,
  ].join('\n')
}

/** Commands show themselves; other histories are plain data. */
function stepsOf(steps: unknown): string {
  const shown = String(steps)
  return shown.startsWith('[object') ? fc.stringify(steps) : shown
}

/** The whole path would need the steps' own path too; from its first part, the same failure shrinks the same way. */
function replay(path: string): string {
  return `npm run fuzz -- --of ${of} --seed ${seed} --path ${path}`
}

function seconds(): string {
  return ((performance.now() - startedAt) / 1000).toFixed(1)
}

void main()
