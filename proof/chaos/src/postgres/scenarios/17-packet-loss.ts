import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'

const LOSSY_MS = 15_000
const LOSS = 0.3

/** A bad network makes everything slow. Answers still come, so no server is given up and no caller is moved. */
export const scenario: Scenario = {
  id: 17,
  name: '30 % of the packets are lost',
  async run(context) {
    const service = await context.service({ proxied: true })
    const { load, nodes, primary, recorder } = service
    context.step('packets get lost')
    const from = now()
    for (const node of nodes) service.proxyOf(node).loss(LOSS)
    await context.sleep(LOSSY_MS)
    const written = load.succeeded('write', from).length
    for (const node of nodes) await service.proxyOf(node).heal()
    const down = recorder
      .statesOf(service.endpointOf(primary), from)
      .filter((each) => each === 'DOWN').length
    context.expect(down === 0, `the primary was down ${down} times`)
    context.expect(recorder.moves() === 0, 'callers were moved')
    await service.writes(20)
    const measured = await service.finish(primary)
    const failed = load.failed('write').length
    context.expect(failed === 0, `${failed} writes failed`)
    return { writtenMeanwhile: written, primaryDown: down, ...measured }
  },
}
