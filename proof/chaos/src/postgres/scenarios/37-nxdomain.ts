import { now } from '../../now.js'
import { MovingName } from '../moving-name.js'
import type { Scenario } from '../scenario.js'

/** The name resolves to nothing for a while, over a restart of the server: its last address is used on. */
export const scenario: Scenario = {
  id: 37,
  name: 'DNS answers NXDOMAIN',
  async run(context) {
    const cluster = await context.cluster()
    const { nodes } = cluster
    const name = await MovingName.of(context, nodes)
    const service = await context.service({ nodes, standbys: 0, manager: name.manager })
    const { primary, recorder } = service
    context.step('the name is gone')
    name.address = undefined
    await context.until(() => recorder.of('topologyFailed').length > 0, 'it was noticed')
    await service.writes(20)
    context.step('the server restarts')
    await primary.stop('fast')
    const stoppedAt = now()
    await primary.start()
    await service.writes(20)
    const reported = recorder.of('topologyFailed').length
    context.expect(reported === 1, `it was reported ${reported} times`)
    context.expect(recorder.of('topologyChanged', stoppedAt).length === 0, 'endpoints changed')
    name.leadTo(primary)
    const measured = await service.finish(primary)
    service.expectNoFailedAcquire()
    return { recoveredMs: service.recoveredMs(stoppedAt), ...measured }
  },
}
