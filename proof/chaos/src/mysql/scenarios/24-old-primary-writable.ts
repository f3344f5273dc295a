import { CRASH_TARGETS } from '../../scenarios/primary-crash.js'
import { fenceReturning } from '../../scenarios/returning-primary.js'
import { hasAllOf } from '../histories.js'
import type { Scenario } from '../scenario.js'

/**
 * The old primary is back without read_only. The promoted one has all that it has, and more, by which also a process that
 * has seen nothing tells them apart.
 */
export const scenario: Scenario = {
  id: 24,
  name: 'the old primary returns without read_only',
  quick: true,
  targets: CRASH_TARGETS,
  async run(context) {
    const service = await context.service()
    const { nodes, primary, standby } = service
    return fenceReturning(context, service, {
      start: () => primary.start({ readOnly: false }),
      meanwhile: async () => {
        context.step('another process starts')
        // What the old one was killed in the middle of it may have alone; then no set tells which of them is right.
        const contained = await hasAllOf(standby, primary)
        const writer = await context.writerOfNewcomer(nodes)
        context.expect(
          writer === (contained ? standby.port : undefined),
          `a process that starts now writes to ${writer}; the promoted server ${contained ? 'has' : 'lacks some of'} what the old one has`,
        )
        return { setContained: contained ? 1 : 0 }
      },
    })
  },
}
