// The program behind `npm run soak`, which has checked the arguments.
import { parseArgs } from 'node:util'
import { describeResult, type SoakResult } from './result.js'
import { Soak } from './soak.js'

/** Closed sockets take a moment to go. What is open after this time keeps the process from ending. */
const LONGEST_END_MS = 10_000

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seed: { type: 'string' },
    shared: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const minutes = Number(values.minutes)
const seed = Number(values.seed)
const show = (line: string): void => {
  process.stderr.write(`${line}\n`)
}
let stopping = false
const soak = new Soak(minutes, seed, values.shared, show)

function finish(result: SoakResult, open: readonly string[]): void {
  const ends = { name: 'the process ends by itself', ok: open.length === 0 }
  result.checks.push({ ...ends, found: ends.ok ? 'yes' : `open: ${open.join(', ')}` })
  result.ok &&= ends.ok
  console.log(values.json ? JSON.stringify(result) : describeResult(result))
  process.exitCode = result.ok ? 0 : 1
}

async function main(): Promise<void> {
  show(
    `soaking for ${minutes} min with seed ${seed}${values.shared ? ', queries share connections' : ''}`,
  )
  const result = await soak.run().finally(() => soak.cleanUp())
  const onEnd = (): void => finish(result, [])
  process.once('beforeExit', onEnd)
  // Keeps the process no longer than anything else does, so it fires only if something else keeps it.
  setTimeout(() => {
    process.off('beforeExit', onEnd)
    finish(result, process.getActiveResourcesInfo())
    process.exit()
  }, LONGEST_END_MS).unref()
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    show(`${signal}: stopping the servers`)
    stop(signal === 'SIGINT' ? 130 : 143)
  })
}
// Whoever read our output has gone, as `head` does.
for (const stream of [process.stdout, process.stderr]) stream.once('error', () => stop(1))

function stop(code: number): void {
  stopping = true
  void soak.cleanUp().finally(() => process.exit(code))
}

main().catch((error: unknown) => {
  // What fails because the servers are being stopped is not worth telling.
  if (stopping) return
  show(error instanceof Error ? (error.stack ?? error.message) : String(error))
  process.exit(1)
})
