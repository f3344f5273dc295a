import fc from 'fast-check'
import { callers, options } from './callers.js'
import { History } from './history.js'
import { type RealServer, realEnd } from './real-world.js'

/** Histories of a pool of a real server, held against what was written. The server is the caller's to stop. */
export function realOutcomeProperty(server: RealServer) {
  return fc.asyncProperty(
    options,
    fc.record({
      callers,
      ends: fc.array(realEnd, { minLength: 1, maxLength: 3 }),
      cutAfter: fc.option(fc.integer({ min: 400, max: 4000 }), { nil: undefined }),
    }),
    async (chosen, { ends, cutAfter, ...steps }) => {
      const world = await server.begin(ends, cutAfter)
      await new History(chosen, world).run(steps.callers)
    },
  )
}
