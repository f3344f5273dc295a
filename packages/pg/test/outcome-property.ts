import fc from 'fast-check'
import { callers, options } from './callers.js'
import { type End, KINDS, PLACES } from './ends.js'
import { History, type World } from './history.js'
import { ScriptedServer, STALL_MS } from './scripted-server.js'
import { STATEMENTS } from './statements.js'

/** Below {@link STALL_MS}. */
const TIMEOUT_MS = 4

const end: fc.Arbitrary<End> = fc.record({
  after: fc.nat({ max: 14 }),
  place: fc.constantFrom(...PLACES),
  kind: fc.constantFrom(...(Object.keys(KINDS) as (keyof typeof KINDS)[])),
  kept: fc.boolean(),
  cut: fc.boolean(),
})

/** A pool's view of a scripted server. */
function worldOf(ends: readonly End[]): World {
  const server = new ScriptedServer(ends)
  return {
    config: {
      host: '127.0.0.1',
      port: 1,
      database: 'd',
      user: 'u',
      stream: () => server.connect() as never,
    },
    timeoutMs: TIMEOUT_MS,
    textOf: (is, row) => STATEMENTS[is](row),
    async written() {
      // Whose client has given up may be at work still.
      while (server.busy > 0) await new Promise((resolve) => setTimeout(resolve, STALL_MS / 4))
      return server.committed
    },
  }
}

/** Histories of a pool of a scripted server, held against what was written. */
export const outcomeProperty = fc.asyncProperty(
  options,
  fc.record({ callers, ends: fc.array(end, { maxLength: 3 }) }),
  async (chosen, steps) => {
    await new History(chosen, worldOf(steps.ends)).run(steps.callers)
  },
)
